import { dirname } from "node:path";
import { EdgeError, isAbsent, machineError, systemCode } from "../../core/errors.ts";

interface Cause {
  readonly what: string;
  readonly code: string;
  readonly remedy: string;
  readonly retryable: boolean;
}

const diskFull: Cause = {
  what: "the disk is full",
  code: "disk-full",
  remedy: "Free some space on that disk, or write to another one with --out",
  retryable: true,
};

const denied: Cause = {
  what: "writing there is not permitted",
  code: "write-denied",
  remedy: "Give this user the right to write to the folder, or choose another one",
  retryable: false,
};

const folderMissing: Cause = {
  what: "the folder does not exist",
  code: "output-folder-missing",
  remedy: "Make the folder first, or choose another one",
  retryable: false,
};

/** What the error numbers of POSIX mean to a person who waits for a file. */
const causes: Readonly<Record<string, Cause>> = {
  ENOSPC: diskFull,
  EDQUOT: { ...diskFull, what: "the disk quota is used up" },
  EACCES: denied,
  EPERM: denied,
  EROFS: {
    what: "the disk is mounted read-only",
    code: "read-only-disk",
    remedy: "Choose a folder on a writable disk",
    retryable: false,
  },
  ENOENT: folderMissing,
  ENOTDIR: { ...folderMissing, what: "a part of the path is not a folder" },
  ENAMETOOLONG: {
    what: "the name is too long for that disk",
    code: "name-too-long",
    remedy: "Choose a shorter name",
    retryable: false,
  },
  EFBIG: {
    what: "the disk's file system does not hold files of this size",
    code: "file-too-large",
    remedy: "Write to a disk that is not formatted as FAT32, or split the acquisition",
    retryable: false,
  },
  EMFILE: {
    what: "too many files are open",
    code: "too-many-open-files",
    remedy: "Raise the limit on open files (ulimit -n)",
    retryable: true,
  },
};

const unknownCause: Cause = {
  what: "the file could not be written",
  code: "write-failed",
  remedy: "Check the disk and the connection to it, then try again",
  retryable: true,
};

/** The `machine` error for a failed system call while `file` was being written; an `EdgeError` stays itself. */
export function writeError(error: unknown, file: string): unknown {
  if (error instanceof EdgeError) return error;
  const code = systemCode(error);
  if (code === undefined) return error;
  const cause = causes[code] ?? unknownCause;
  return machineError(cause.what, {
    code: cause.code,
    file,
    found: code,
    remedy: cause.remedy,
    retryable: cause.retryable,
    cause: error,
  });
}

/** Told before the first byte, because the size of the result is known. */
export function noSpaceError(file: string, neededBytes: number, freeBytes: number): EdgeError {
  return machineError("there is not enough room on the disk", {
    code: "disk-full",
    file,
    found: `${inMegabytes(freeBytes)} free in ${dirname(file)}`,
    allowed: `at least ${inMegabytes(neededBytes)}`,
    remedy: diskFull.remedy,
    retryable: true,
  });
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

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

const unknownOpenError = {
  what: "the file cannot be opened",
  remedy: "Check the disk or the share that holds it.",
  retryable: true,
};

/** The `machine` error for a `file` that could not be opened or looked at: `file-missing` where it is not there, else `file-open`. */
export function openError(cause: unknown, file: string): EdgeError {
  const code = systemCode(cause) ?? "unknown";
  const known = openErrors[code];
  const { what, remedy, retryable = false } = known ?? unknownOpenError;
  return machineError(what, {
    code: isAbsent(cause) ? "file-missing" : "file-open",
    file,
    ...(known === undefined ? { found: code } : {}),
    remedy,
    retryable,
    cause,
  });
}

/** The `machine` error for an open `file` whose bytes could not be read. `at`: where in it. */
export function readError(cause: unknown, file: string, at: string): EdgeError {
  return machineError("the file cannot be read", {
    code: "file-read",
    file,
    at,
    found: systemCode(cause) ?? "unknown",
    remedy: "Check the disk or the share that holds it.",
    retryable: true,
    cause,
  });
}
