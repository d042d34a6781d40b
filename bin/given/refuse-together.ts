import { stat } from "node:fs/promises";
import { describeError, type EdgeError, isEdgeError } from "../../core/errors.ts";
import { unreachable } from "../../formats/files-of.ts";
import type { CommandIo } from "../command/command.ts";

type Look = () => Promise<unknown>;

/**
 * Takes all looks at what a command needs, one after the other, and gives what they found, in their order. Where some fail, all that is wrong is told, a line each,
 * before anything that takes time has begun: the last as the error that ends the command, those before it on stderr.
 * Throws `EdgeError`.
 */
export async function refuseTogether<const Looks extends readonly Look[]>(
  looks: Looks,
  io: CommandIo,
): Promise<{ -readonly [Index in keyof Looks]: Awaited<ReturnType<Looks[Index]>> }> {
  const found: unknown[] = [];
  const wrong = new Map<string, EdgeError>();
  for (const look of looks) {
    io.signal.throwIfAborted();
    try {
      found.push(await look());
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      wrong.set(describeError(error), error);
    }
  }
  const last = [...wrong.values()].at(-1);
  if (last === undefined) return found as never;
  for (const [line, error] of wrong) if (error !== last) io.stderr.write(`cnnt-edge: ${line}\n`);
  throw last;
}

/** Throws `EdgeError` (`usage`) where the path names nothing that can be reached. */
export async function refuseMissing(path: string): Promise<void> {
  await stat(path).catch((cause: unknown) => {
    throw unreachable(path, cause);
  });
}
