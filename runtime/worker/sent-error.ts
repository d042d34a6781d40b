import { EdgeError, fieldsOf, isEdgeError } from "../../core/errors.ts";
import type { SentError } from "./duties.ts";

export function sentError(error: unknown): SentError {
  if (isEdgeError(error)) return { message: error.message, kind: error.kind, fields: fieldsOf(error) };
  return { message: error instanceof Error ? error.message : String(error) };
}

/** The same error, but for its cause and its trace. */
export function receivedError({ message, kind, fields }: SentError): Error {
  return kind === undefined || fields === undefined
    ? new Error(message)
    : new EdgeError(kind, message, fields);
}
