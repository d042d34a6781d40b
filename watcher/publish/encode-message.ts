import type { z } from "zod";
import { machineError } from "../../core/errors.ts";
import {
  largestMessageBytes,
  type MessageBody,
  type MessageName,
  messageKinds,
} from "../../core/messages.ts";

/** A message as it leaves: checked against its schema, redacted, bounded. Throws `EdgeError` (`machine`). */
export function encodeMessage<Name extends MessageName>(
  name: Name,
  body: MessageBody<Name>,
  { boot, redact }: { readonly boot: string; readonly redact: (text: string) => string },
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
