import { present } from "./record.ts";

/**
 * The errors a person reads. Every failure that the product can foresee is one of these; anything else that
 * reaches the top is a defect in the product and is reported as such.
 */

/**
 * Whose fault it is, and so who acts:
 * - `format`: the file is wrong or damaged;
 * - `unsupported`: the file is sound, we cannot read it (yet);
 * - `usage`: the caller asked for something impossible (exit code 2);
 * - `machine`: disk, memory, a missing library, a lost process;
 * - `verification`: something ran, and its result is not what was promised.
 */
export type ErrorKind = "format" | "unsupported" | "usage" | "machine" | "verification";

export interface EdgeErrorFields {
  /** Stable word in kebab-case that programs may compare, for example `tiff-ifd-loop`. */
  readonly code: string;
  /** The file or folder concerned, as the person named it. */
  readonly file?: string;
  /** Where in it: "byte 1234", "line 3, column 7", "page 12", "node cnnt.down1". */
  readonly at?: string;
  /** What was found there. */
  readonly found?: string;
  /** What would have been right. */
  readonly allowed?: string;
  /** What the person can do next, as a sentence. */
  readonly remedy?: string;
  /** Whether the same attempt may succeed later without anybody acting (default: no). */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

export class EdgeError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly file: string | undefined;
  readonly at: string | undefined;
  readonly found: string | undefined;
  readonly allowed: string | undefined;
  readonly remedy: string | undefined;
  readonly retryable: boolean;

  /** `what` is one sentence without a final full stop: "the TIFF directory chain loops". */
  constructor(kind: ErrorKind, what: string, fields: EdgeErrorFields) {
    super(what, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = "EdgeError";
    this.kind = kind;
    this.code = fields.code;
    this.file = fields.file;
    this.at = fields.at;
    this.found = fields.found;
    this.allowed = fields.allowed;
    this.remedy = fields.remedy;
    this.retryable = fields.retryable ?? false;
  }
}

/** The file is wrong or damaged. */
export function formatError(what: string, fields: EdgeErrorFields): EdgeError {
  return new EdgeError("format", what, fields);
}

/** The file is sound, but of a kind that we do not read. */
export function unsupportedError(what: string, fields: EdgeErrorFields): EdgeError {
  return new EdgeError("unsupported", what, fields);
}

/** The caller asked for something impossible. */
export function usageError(what: string, fields: EdgeErrorFields): EdgeError {
  return new EdgeError("usage", what, fields);
}

/** Disk, memory, a library or a process let us down. */
export function machineError(what: string, fields: EdgeErrorFields): EdgeError {
  return new EdgeError("machine", what, fields);
}

/** Something ran, and its result is not what was promised. */
export function verificationError(what: string, fields: EdgeErrorFields): EdgeError {
  return new EdgeError("verification", what, fields);
}

export function isEdgeError(error: unknown, code?: string): error is EdgeError {
  return error instanceof EdgeError && (code === undefined || error.code === code);
}

/** The plain form of an error, as it crosses process borders, MQTT and `--json`. */
export interface ErrorReport {
  readonly kind: ErrorKind | "defect";
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
  readonly retryable: boolean;
}

/** One line for a person: `file: what (at …; found …; expected …). Remedy`. Control characters are escaped. */
export function describeError(error: unknown): string {
  if (!(error instanceof EdgeError)) {
    const message = error instanceof Error ? error.message : String(error);
    return visible(`internal error: ${message}. This is a defect in cnnt-edge; please report it`);
  }
  const details = [
    error.at,
    error.found === undefined ? undefined : `found ${error.found}`,
    error.allowed === undefined ? undefined : `expected ${error.allowed}`,
  ].filter((part) => part !== undefined);
  const where = error.file === undefined ? "" : `${error.file}: `;
  const detail = details.length === 0 ? "" : ` (${details.join("; ")})`;
  const remedy = error.remedy === undefined ? "" : `. ${error.remedy}`;
  return visible(`${where}${error.message}${detail}${remedy}`);
}

export function reportOf(error: unknown): ErrorReport {
  if (!(error instanceof EdgeError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: "defect", code: "internal", message, retryable: false };
  }
  const { remedy, ...fields } = fieldsOf(error);
  const { kind, code, retryable } = error;
  const message = describeError(new EdgeError(kind, error.message, fields));
  return { kind, code, message, retryable, ...present({ remedy }) };
}

/** What an error was made of, without its cause. */
export function fieldsOf(error: EdgeError): EdgeErrorFields {
  const { code, file, at, found, allowed, remedy, retryable } = error;
  return present({ code, file, at, found, allowed, remedy, retryable }) as EdgeErrorFields;
}

/** The error that a report from another process stands for; the message already names file and place. */
export function errorFromReport(report: ErrorReport): Error {
  if (report.kind === "defect") return new Error(report.message);
  return new EdgeError(report.kind, report.message, {
    code: report.code,
    retryable: report.retryable,
    ...present({ remedy: report.remedy }),
  });
}

/** Makes control characters visible and harmless: file names may hold newlines, escape sequences, and marks that turn the direction of reading. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (char) => {
    if (char === "\n") return "\\n";
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

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

/**
 * The codes of errors by which the product decides what to do; all others are only told. Whoever compares a code takes
 * it from here, so that a code that is renamed where it is given is no longer silently unknown where it counts
 * (`test/core/steering-codes.test.ts`).
 */
export const steeringCodes = [
  "channel-unknown",
  "disk-full",
  "engine-lost",
  "engine-memory",
  "engine-stopped",
  "file-is-folder",
  "file-missing",
  "file-open",
  "file-read",
  "file-zero-tail",
  "folder-leased",
  "folder-lease-lost",
  "folder-unreachable",
  "gpu-download-cut",
  "interrupted",
  "ledger-unusable",
  "memory-short",
  "move-differs",
  "move-not-quiet",
  "network-lost",
  "network-memory",
  "network-model-refused",
  "network-names",
  "network-stuck",
  "ome-set-incomplete",
  "output-exists",
  "output-folder-missing",
  "output-is-folder",
  "output-not-mounted",
  "overlap-too-wide",
  "pattern-may-grow",
  "pickle-cut",
  "read-only-disk",
  "source-changed",
  "tensor-process-lost",
  "tensor-run-failed",
  "tensorrt-engine-differs",
  "tensorrt-not-prepared",
  "tile-size",
  "write-denied",
  "write-failed",
] as const;

type SteeringCode = (typeof steeringCodes)[number];

/** Whether an error, or its report, has one of these codes. */
export function hasCode({ code }: { readonly code: string }, ...wanted: readonly SteeringCode[]): boolean {
  return wanted.some((one) => one === code);
}
