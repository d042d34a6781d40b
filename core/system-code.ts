import { isEdgeError } from "./errors.ts";

/** The system's (or a library's) word for what went wrong, as ENOENT; undefined where an error carries none. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || isEdgeError(error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Whether a system call found nothing of that name. */
export function isAbsent(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Whether a system call was refused for want of a right. */
export function isDenied(error: unknown): boolean {
  const code = systemCode(error);
  return code === "EACCES" || code === "EPERM";
}
