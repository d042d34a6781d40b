import type { Socket } from "node:net";
import { z } from "zod";
import { type ErrorReport, reportOf } from "../../core/errors.ts";

/** What `cnnt-edge queue` asks of a running daemon, a line of JSON through the socket in its state folder, and what it is told. */

export const socketName = "requests.sock";

const acts = ["retry", "skip", "pause", "resume"] as const;

export const requestSchema = z.strictObject({
  act: z.enum(acts),
  /** Ids of jobs to retry or skip, names of folders to pause or resume. */
  names: z.array(z.string().min(1).max(255)).max(10_000),
});

export type Request = z.output<typeof requestSchema>;

const refusalSchema = z.object({ message: z.string(), remedy: z.string().optional() });

export const answersSchema = z.array(z.object({ name: z.string(), refused: refusalSchema.optional() }));

/** Of each name, in the order of the request: done, unless it was refused. */
export interface Answer {
  readonly name: string;
  readonly refused?: Pick<ErrorReport, "message" | "remedy">;
}

/** What each act does to one name. It throws where it cannot. */
export type Hands = Readonly<Record<Request["act"], (name: string) => unknown>>;

export async function carryOut({ act, names }: Request, hands: Hands): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const name of names) {
    try {
      await hands[act](name);
      answers.push({ name });
    } catch (error) {
      answers.push({ name, refused: reportOf(error) });
    }
  }
  return answers;
}

/** A request or an answer has no more bytes than this. */
export const mostBytes = 16 * 2 ** 20;

/** All that the other side says until it ends; the socket stays open for an answer. Throws where that is more than `mostBytes`. */
export function saidBy(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    socket.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > mostBytes) reject(new RangeError("the message is too long"));
      else parts.push(part);
    });
    socket.once("end", () => resolve(Buffer.concat(parts).toString("utf8")));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed")));
  });
}
