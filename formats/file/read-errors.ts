import { type EdgeError, isAbsent, machineError, systemCode } from "../../core/errors.ts";

const openErrors: Readonly<Record<string, { what: string; remedy: string; retryable?: boolean }>> = {
  ENOENT: { what: "there is no such file", remedy: "Check the path." },
  ENOTDIR: { what: "there is no such file", remedy: "Check the path: a part of it is a file, not a folder." },
  EACCES: { what: "the file may not be read", remedy: "Give the user that runs cnnt-edge read permission." },
  EPERM: { what: "the file may not be read", remedy: "Give the user that runs cnnt-edge read permission." },
  ELOOP: { what: "the path is a loop of links", remedy: "Name the file itself." },
  ENAMETOOLONG: { what: "the path is too long", remedy: "Use a shorter path." },
  EBUSY: { what: "another program holds the file", remedy: "Try again when it is done.", retryable: true },
  EMFILE: {
    what: "too many files are open",
    remedy: "Raise the limit of open files (ulimit -n).",
    retryable: true,
  },
};

/** The `machine` error for a `file` that could not be opened or looked at: `file-missing` where it is not there, else `file-open`. */
export function openError(cause: unknown, file: string): EdgeError {
  const code = systemCode(cause) ?? "unknown";
  const known = openErrors[code];
  if (known === undefined) {
    return machineError("the file cannot be opened", {
      code: "file-open",
      file,
      found: code,
      remedy: "Check the disk or the share that holds it.",
      retryable: true,
      cause,
    });
  }
  const fields = {
    code: isAbsent(cause) ? "file-missing" : "file-open",
    file,
    remedy: known.remedy,
    cause,
  };
  return machineError(known.what, { ...fields, retryable: known.retryable ?? false });
}

/** The `machine` error for an open `file` whose bytes could not be read. `at`: where in it. */
export function readError(cause: unknown, file: string, at?: string): EdgeError {
  return machineError("the file cannot be read", {
    code: "file-read",
    file,
    ...(at === undefined ? {} : { at }),
    found: systemCode(cause) ?? "unknown",
    remedy: "Check the disk or the share that holds it.",
    retryable: true,
    cause,
  });
}
