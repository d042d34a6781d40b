import { basename } from "node:path";
import type { Sighting } from "../intake/sighting.ts";
import type { Job, JobOutcome } from "./job.ts";

/** sha256 (hex) of all bytes of files, by their `source`. */
export type WholeHashes = Readonly<Record<string, string>>;

/** Of each of `members` as the engine told it; it is missing where no outcome tells of it. */
export function denoisedHashes(members: readonly string[], outcomes: readonly JobOutcome[]): WholeHashes {
  const files = outcomes.flatMap(({ sourceFiles = [] }) => sourceFiles);
  // The files of one acquisition lie in one folder.
  const byName = new Map(files.map(({ file, sha256 }) => [basename(file), sha256]));
  const single = members.length === 1 ? outcomes[0]?.sourceSha256 : undefined;
  return Object.fromEntries(
    members.flatMap((source) => {
      const sha256 = byName.get(basename(source)) ?? single;
      return sha256 === undefined ? [] : [[source, sha256]];
    }),
  );
}

/**
 * Whether files that were only touched have the bytes that were denoised. `unread`: their hashes are needed for that;
 * `unknown`: no job of this content tells what it read of each of them.
 */
export function compareWhole(
  { members }: Sighting,
  jobs: readonly Job[],
  hashes: WholeHashes | undefined,
): "same" | "other" | "unread" | "unknown" {
  const sources = members.map(({ source }) => source);
  const denoised = denoisedHashes(
    sources,
    jobs.flatMap(({ outcome }) => outcome ?? []),
  );
  if (sources.some((source) => denoised[source] === undefined)) return "unknown";
  if (hashes === undefined) return "unread";
  return sources.every((source) => denoised[source] === hashes[source]) ? "same" : "other";
}
