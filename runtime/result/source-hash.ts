import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { machineError } from "../../core/errors.ts";
import { digestOfFile } from "../../formats/file/file-digest.ts";
import { openError } from "../../formats/file/file-errors.ts";
import { connect } from "../worker/connect.ts";
import { startThread } from "../worker/thread-channel.ts";

/** sha256 (hex) of each file. Throws `EdgeError` (`machine`, as `openError`) where one cannot be read. */
export type HashFiles = (files: readonly string[], signal: AbortSignal) => Promise<readonly string[]>;

/**
 * sha256 (hex) of the file that an acquisition came from, and of each member, as its path was given. For a set of files:
 * that of the lines `sha256sum` would print for its members in their order, names without folders. Throws as `hash`.
 */
export async function hashSource(
  members: readonly string[],
  signal: AbortSignal,
  hash: HashFiles = hashFiles,
) {
  const hashes = await hash(members, signal);
  const files = members.map((file, index) => ({ file, sha256: hashes[index] ?? "" }));
  const [only, ...others] = files;
  if (only !== undefined && others.length === 0) return { sha256: only.sha256, files };
  const list = createHash("sha256");
  for (const { file, sha256 } of files) list.update(`${sha256}  ${basename(file)}\n`);
  return { sha256: list.digest("hex"), files };
}

/** What `hash-thread.js` does. */
interface HashDuties {
  readonly hash: {
    readonly ask: readonly string[];
    readonly answer:
      | { readonly sha256: string[] }
      /** `code`: as in `systemCode`. */
      | { readonly file: string; readonly code: string | undefined };
  };
}

/** Together no longer than this, files are hashed in less time than a thread takes to start (some 50 ms). */
const hereBytes = 8 * 1024 * 1024;

/** Hashes on a thread of its own, but for files that are hashed sooner than one starts. */
export const hashFiles: HashFiles = async (files, signal) => {
  signal.throwIfAborted();
  return (await totalBytes(files)) > hereBytes ? hashOnThread(files, signal) : hashHere(files, signal);
};

async function totalBytes(files: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const file of files) bytes += (await orOpenError(file, stat(file))).size;
  return bytes;
}

async function hashHere(files: readonly string[], signal: AbortSignal): Promise<string[]> {
  const hashes: string[] = [];
  for (const file of files) {
    signal.throwIfAborted();
    hashes.push(await orOpenError(file, digestOfFile(file)));
  }
  return hashes;
}

function orOpenError<Value>(file: string, look: Promise<Value>): Promise<Value> {
  return look.catch((cause: unknown) => {
    throw openError(cause, file);
  });
}

const hashOnThread: HashFiles = async (files, signal) => {
  const thread = startThread(new URL("./hash-thread.js", import.meta.url));
  const hasher = connect<HashDuties, object>(thread, {}, () =>
    machineError("the thread that hashes the source ended", {
      code: "hash-lost",
      file: files[0] ?? "",
      remedy: "Try again; if it happens again, look for a lack of memory",
      retryable: true,
    }),
  );
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

/**
 * Sizes and times of modification of all members: equal before and after, nobody wrote meanwhile. Throws `EdgeError`
 * (`machine`, as `openError`) where a member is not there or cannot be looked at.
 */
export async function sourceState(members: readonly string[]): Promise<string> {
  const states: string[] = [];
  for (const member of members) {
    const { size, mtimeNs } = await orOpenError(member, stat(member, { bigint: true }));
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

/**
 * What a file is known by without reading it: equal at two times, nobody wrote to it or put another in its place between
 * them, unless its disk tells no time of status change. Throws `EdgeError` (`machine`, as `openError`).
 */
export async function fileState(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await orOpenError(file, stat(file, { bigint: true }));
  return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}

/** Of so many files the hashes are kept; a set has no more (`formats/file/reading.ts`). */
const mostKept = 20_000;

/**
 * Hashes each file once, as long as it is the same by its inode, size, time of change and time of status change: the
 * images of one file are jobs that follow each other, and each has the hash of the whole file in its result.
 */
export function createKeptHashes(hash: HashFiles): HashFiles {
  // A Map keeps its order: the first entry is the one that was kept longest ago.
  const kept = new Map<string, { readonly state: string; readonly sha256: string }>();
  return async (files, signal) => {
    const states = await Promise.all(files.map(fileState));
    const known = files.map((file, index) =>
      kept.get(file)?.state === states[index] ? kept.get(file)?.sha256 : undefined,
    );
    const others = files.filter((_, index) => known[index] === undefined);
    const hashes = others.length === 0 ? [] : await hash(others, signal);
    const fresh = new Map(others.map((file, index) => [file, hashes[index] ?? ""]));
    for (const [index, file] of files.entries()) {
      const sha256 = fresh.get(file);
      if (sha256 === undefined) continue;
      kept.delete(file);
      const state = states[index];
      // What was written to meanwhile is hashed again by the next job.
      if (state !== undefined && (await fileState(file)) === state) kept.set(file, { state, sha256 });
    }
    for (const file of kept.keys()) {
      if (kept.size <= mostKept) break;
      kept.delete(file);
    }
    return files.map((file, index) => known[index] ?? fresh.get(file) ?? "");
  };
}
