import { createHash } from "node:crypto";

/**
 * What tells one acquisition from another. It has a place: a watch folder, and in it the path of the file that stands for
 * it. What lies there is told by `contentKey`: other content at one place is another revision. Each series of a revision is
 * a job of its own.
 */

/** A file of an acquisition, as far as it counts for what the acquisition is. */
export interface KeyedFile {
  /** Below the watch folder, with `/`. */
  readonly source: string;
  readonly sizeBytes: number;
  /** Of parts of its bytes (hex). */
  readonly hashes: readonly string[];
}

/** sha256 (hex) over all files that an acquisition consists of: their names and what is in them, in whatever order they come. */
export function contentKey(files: readonly KeyedFile[]): string {
  const lines = files.map(({ source, sizeBytes, hashes }) => JSON.stringify([source, sizeBytes, hashes]));
  return sha256(lines.sort().join("\n"));
}

/** A job is the same on every machine. It stays the same while the file at its place is not whole yet. */
export function jobKey(folder: string, source: string, revision: number, series: number): string {
  return sha256(JSON.stringify([folder, source, revision, series])).slice(0, 16);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
