import { userInfo } from "node:os";
import { type EdgeError, isDenied, isEdgeError, machineError } from "../../core/errors.ts";

/** What the daemon's user may not read: told with the remedy, and taken up by itself once it may. */

/** Whether a system call, or an error that it caused, was refused for want of a right. */
export function isNotPermitted(error: unknown): boolean {
  if (isEdgeError(error)) return isNotPermitted(error.cause);
  return isDenied(error);
}

/** `cause` is what the system said, or an `EdgeError` that names the very file of a set. */
export function fileNotReadable(file: string, cause: unknown): EdgeError {
  const denied = (isEdgeError(cause) ? cause.file : undefined) ?? file;
  return machineError("the file may not be read", {
    code: "file-not-readable",
    file: denied,
    remedy: `Let ${user()} read it, for example: chmod a+r FILE. The daemon then takes it by itself`,
    retryable: true,
    cause,
  });
}

export function folderNotPermitted(folder: string, cause: unknown): EdgeError {
  return machineError("the subfolder may not be read", {
    code: "subfolder-not-readable",
    file: folder,
    remedy: `Let ${user()} read and enter it, for example: chmod a+rx FOLDER. The daemon then takes it by itself`,
    retryable: true,
    cause,
  });
}

function user(): string {
  const uid = process.geteuid?.();
  try {
    return `the user ${userInfo().username} (uid ${uid})`;
  } catch {
    // Containers often run as a user that no file names.
    return uid === undefined ? "the user that runs cnnt-edge" : `the user with uid ${uid}`;
  }
}
