import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { machineError } from "../../core/errors.ts";
import { digestOfFile } from "../../formats/file/file-digest.ts";
import { openError } from "../../formats/file/file-errors.ts";
import { filesBelow } from "../../formats/file/folder-files.ts";
import { connect } from "../worker/connect.ts";
import { startThread } from "../worker/thread-channel.ts";

/** sha256 (hex) of each file. Throws `EdgeError` (`machine`, as `openError`) where one cannot be read. */
export type HashFiles = (files: readonly string[], signal: AbortSignal) => Promise<readonly string[]>;

/** What an acquisition came from, by content. */
export interface SourceHash {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Of each member, as its path was given. */
  readonly files: readonly { readonly file: string; readonly sha256: string }[];
  /** How many files were hashed: a member may be a folder of many. */
  readonly fileCount: number;
}

/**
 * Hashes the file that an acquisition came from, or each member. For a set of files the whole is the sha256 of the lines that `sha256sum` would
 * print for its members in their order, names without folders; for a member that is a folder, of the lines for all files below it, paths from
 * it, in the order of `LC_ALL=C sort`. Throws as `hash`.
 */
export async function hashSource(
  members: readonly string[],
  signal: AbortSignal,
  hash: HashFiles = hashFiles,
): Promise<SourceHash> {
  const parts = await Promise.all(members.map(filesOfMember));
  const hashes = await hash(
    parts.flatMap(({ files }) => files),
    signal,
  );
  let at = 0;
  const files = parts.map(({ file, files, names }) => {
    const own = hashes.slice(at, at + files.length);
    at += files.length;
    return { file, sha256: names === undefined ? (own[0] ?? "") : hashOfList(own, names) };
  });
  const [only] = files;
  const sha256 =
    only !== undefined && files.length === 1
      ? only.sha256
      : hashOfList(
          files.map((one) => one.sha256),
          files.map(({ file }) => basename(file)),
        );
  return { sha256, files, fileCount: at };
}

function hashOfList(hashes: readonly string[], names: readonly string[]): string {
  const list = createHash("sha256");
  for (const [index, sha256] of hashes.entries()) list.update(`${sha256}  ${names[index]}\n`);
  return list.digest("hex");
}

/** The files of a member; `names`: their paths from it, where it is a folder. Throws `EdgeError` where they cannot be listed. */
async function filesOfMember(file: string) {
  const facts = await orOpenError(file, stat(file));
  if (!facts.isDirectory()) return { file, files: [file], names: undefined };
  const names = await filesBelow(file);
  return { file, files: names.map((name) => join(file, name)), names };
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
 * Sizes and times of all members, and of all files in those that are folders: equal before and after, nobody wrote meanwhile. The time of status
 * change counts too, because a program that copies gives the file its old time of modification in the end. Throws `EdgeError`
 * (`machine`, as `openError`) where a member is not there or cannot be looked at.
 */
export async function sourceState(members: readonly string[]): Promise<string> {
  const states: string[] = [];
  for (const member of members) {
    const { files, names } = await filesOfMember(member);
    for (const [index, file] of files.entries()) {
      const { size, mtimeNs, ctimeNs } = await orOpenError(file, stat(file, { bigint: true }));
      states.push(`${size} ${mtimeNs} ${ctimeNs}${names === undefined ? "" : ` ${names[index]}`}`);
    }
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
 * What a file, or a folder with all in it, is known by without reading it: equal at two times, nobody wrote to it or put another in its place between
 * them, unless its disk tells no time of status change. Throws `EdgeError` (`machine`, as `openError`).
 */
export async function fileState(file: string): Promise<string> {
  const facts = await orOpenError(file, stat(file, { bigint: true }));
  const { dev, ino, size, mtimeNs, ctimeNs } = facts;
  const own = [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  if (!facts.isDirectory()) return own;
  const all = createHash("sha256").update(own);
  for (const name of await filesBelow(file)) all.update(`\n${await fileState(join(file, name))} ${name}`);
  return all.digest("hex");
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
