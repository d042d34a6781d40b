import { fileState } from "./file-state.ts";
import type { HashFiles } from "./source-hash.ts";

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
