import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { machineError } from "../../core/errors.ts";
import { openError } from "../../formats/file/file-errors.ts";
import { connect } from "../worker/connect.ts";
import { startThread } from "../worker/thread-channel.ts";

export interface SourceHash {
  /**
   * sha256 (hex) of the file that an acquisition came from. For a set of files: that of the lines `sha256sum` would
   * print for its members in their order, names without folders.
   */
  readonly sha256: string;
  /** Of each member, as its path was given. */
  readonly files: readonly { readonly file: string; readonly sha256: string }[];
}

/** sha256 (hex) of each file. Throws `EdgeError` (`machine`, as `openError`) where one cannot be read. */
export type HashFiles = (files: readonly string[], signal: AbortSignal) => Promise<readonly string[]>;

/** Throws as `hash`. */
export async function hashSource(
  members: readonly string[],
  signal: AbortSignal,
  hash: HashFiles = hashFiles,
): Promise<SourceHash> {
  const hashes = await hash(members, signal);
  const files = members.map((file, index) => ({ file, sha256: hashes[index] ?? "" }));
  const [only, ...others] = files;
  if (only !== undefined && others.length === 0) return { sha256: only.sha256, files };
  const list = createHash("sha256");
  for (const { file, sha256 } of files) list.update(`${sha256}  ${basename(file)}\n`);
  return { sha256: list.digest("hex"), files };
}

/** What `hash-thread.js` does. */
export interface HashDuties {
  readonly hash: {
    readonly ask: readonly string[];
    readonly answer:
      | { readonly sha256: string[] }
      /** `code`: as in `systemCode`. */
      | { readonly file: string; readonly code: string | undefined };
  };
}

/** Hashes on a thread of its own. */
export const hashFiles: HashFiles = async (files, signal) => {
  signal.throwIfAborted();
  const thread = startThread(new URL("./hash-thread.js", import.meta.url));
  const hasher = connect<HashDuties, object>(thread, {}, () => hashLost(files));
  // While it hashes it hears nothing.
  const giveUp = (): void => hasher.end(signal.reason);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    const answer = await hasher.ask("hash", files);
    if ("sha256" in answer) return answer.sha256;
    throw openError(Object.assign(new Error("it could not be hashed"), { code: answer.code }), answer.file);
  } finally {
    signal.removeEventListener("abort", giveUp);
    await thread.terminate();
  }
};

function hashLost(files: readonly string[]) {
  return machineError("the thread that hashes the source ended", {
    code: "hash-lost",
    file: files[0] ?? "",
    remedy: "Try again; if it happens again, look for a lack of memory",
    retryable: true,
  });
}

/**
 * Sizes and times of modification of all members: equal before and after, nobody wrote meanwhile. Throws `EdgeError`
 * (`machine`, as `openError`) where a member is not there or cannot be looked at.
 */
export async function sourceState(members: readonly string[]): Promise<string> {
  const states: string[] = [];
  for (const member of members) {
    const { size, mtimeNs } = await stat(member, { bigint: true }).catch((cause: unknown) => {
      throw openError(cause, member);
    });
    states.push(`${size} ${mtimeNs}`);
  }
  return states.join("\n");
}

/** Throws `EdgeError` (`machine`, `source-changed`, retryable) unless the members are as they were. */
export async function refuseChangedSource(
  file: string,
  members: readonly string[],
  before: string,
): Promise<void> {
  if ((await sourceState(members)) === before) return;
  throw machineError("the source was written to while it was read", {
    code: "source-changed",
    file,
    retryable: true,
    remedy: "Wait until the microscope has finished the file, then try again",
  });
}
