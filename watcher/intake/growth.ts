import type { Watched } from "./settle.ts";

/**
 * Files that change after their structure was whole. A program that adds a page every few seconds, and closes the file each
 * time, leaves a whole file after each page: it would be one acquisition a page. Such a file has to be quiet for longer. Pure.
 */

/** A file whose structure was whole, as it was then or has changed since. */
export interface WholeOnce {
  readonly inode: number;
  readonly sizeBytes: number;
  /** When it was first seen as it is (milliseconds of the scan's clock). */
  readonly changedMs: number;
  /** The largest time between two growths so far; 0 where it has not grown. */
  readonly gapMs: number;
}

/** A file that changes later than this after it was whole has new content, and is no file that grows. */
export const longestGapMs = 90_000;
/** A file that grows has to be quiet for so many times the largest time between its growths. */
const gapsOfQuiet = 2;

/** What is to be remembered of the file as it looks now; undefined where it is another one, or has new content. */
export function changedSince(
  before: WholeOnce,
  { inode, watched }: { readonly inode: number; readonly watched: Watched },
): WholeOnce | undefined {
  const { sizeBytes, sinceMs } = watched;
  const gapMs = sinceMs - before.changedMs;
  if (inode !== before.inode || gapMs > longestGapMs) return undefined;
  const grew = sizeBytes > before.sizeBytes;
  return { inode, sizeBytes, changedMs: sinceMs, gapMs: grew ? Math.max(before.gapMs, gapMs) : before.gapMs };
}

/** For how long a file has to be quiet (milliseconds) that was whole and has changed since. */
export function quietMsOf({ gapMs }: Pick<WholeOnce, "gapMs">, quietMs: number): number {
  return Math.max(quietMs, gapsOfQuiet * gapMs);
}
