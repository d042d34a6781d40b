import type { z } from "zod";
import { machineError } from "../../core/errors.ts";
import {
  largestMessageBytes,
  type MessageBody,
  type MessageName,
  messageKinds,
  type StateBody,
} from "../../core/messages.ts";
import { isRecord } from "../../core/record.ts";
import type { Outgoing } from "./outbox.ts";
import { type TopicNames, topicOf } from "./topics.ts";

/** Who says it, below which topics, and what is done to each text before it leaves. */
export interface Sender {
  readonly base: string;
  readonly boot: string;
  readonly redact: (text: string) => string;
}

/** A message for the broker; throws as `encodeMessage`. */
export function outgoing<Name extends MessageName>(
  sender: Sender,
  name: Name,
  body: MessageBody<Name>,
  names?: TopicNames,
): Outgoing {
  const { qos, retain } = messageKinds[name];
  return {
    topic: topicOf(sender.base, name, names),
    payload: encodeMessage(name, body, sender),
    qos,
    retain,
  };
}

/** A message as it leaves: checked against its schema, redacted, bounded. Throws `EdgeError` (`machine`). */
export function encodeMessage<Name extends MessageName>(
  name: Name,
  body: MessageBody<Name>,
  { boot, redact }: Omit<Sender, "base">,
): string {
  const schema: z.ZodObject = messageKinds[name].schema;
  const message = { v: 1, ts: new Date().toISOString(), boot, ...body };
  const checked = schema.safeParse(message);
  if (!checked.success) throw misfit(name, checked.error.issues[0]);
  const payload = JSON.stringify(checked.data, (key, value: unknown) =>
    // A picture is long, and no text.
    typeof value === "string" && key !== "png" ? redact(value) : value,
  );
  if (Buffer.byteLength(payload) > largestMessageBytes) throw tooLong(name, Buffer.byteLength(payload));
  return payload;
}

export function misfit(name: MessageName, issue: z.core.$ZodIssue | undefined) {
  return machineError("a message does not fit its schema and was not sent", {
    code: "message-misfit",
    at: name,
    found:
      issue === undefined ? "an unknown problem" : `${issue.path.map(String).join(".")}: ${issue.message}`,
    remedy: "This is a defect in cnnt-edge; please report it",
  });
}

function tooLong(name: MessageName, bytes: number) {
  return machineError("a message is too long and was not sent", {
    code: "message-too-long",
    at: name,
    found: `${bytes} bytes`,
    allowed: `at most ${largestMessageBytes}`,
  });
}

/** What a message under our own `state` topic says, whoever sent it; undefined where it is too long to be one. */
export function parseState(payload: Buffer): { state: unknown; boot: unknown } | undefined {
  if (payload.byteLength > largestMessageBytes) return undefined;
  try {
    const value: unknown = JSON.parse(payload.toString("utf8"));
    if (isRecord(value)) return { state: value["state"], boot: value["boot"] };
  } catch {
    // It is not even JSON.
  }
  // An empty or foreign payload hides the truth as well as "offline" does.
  return { state: "offline", boot: undefined };
}

/** Before anything is known. */
export const initialState: StateBody = {
  state: "online",
  since: new Date(0).toISOString(),
  heartbeat_s: 30,
  engine: "warming",
};
