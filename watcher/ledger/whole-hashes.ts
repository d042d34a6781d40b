import { basename } from "node:path";
import type { Sighting } from "../intake/sighting.ts";
import type { Job } from "./job.ts";

/** sha256 (hex) of all bytes of files, by their `source`. */
export type WholeHashes = Readonly<Record<string, string>>;

/**
 * Whether files that were only touched have the bytes that were denoised. `unread`: their hashes are needed for that;
 * `unknown`: no job of this content tells what it read of each of them.
 */
export function compareWhole(
  { members }: Sighting,
  jobs: readonly Job[],
  hashes: WholeHashes | undefined,
): "same" | "other" | "unread" | "unknown" {
  const denoised = hashesOfDone(jobs);
  const [only, ...others] = members;
  const single = jobs.find(({ outcome }) => outcome !== undefined)?.outcome?.sourceSha256;
  const pairs = members.map(({ source }) => {
    const known =
      denoised.get(basename(source)) ?? (source === only?.source && others.length === 0 ? single : undefined);
    return [known, hashes?.[source]] as const;
  });
  if (pairs.some(([known]) => known === undefined)) return "unknown";
  if (hashes === undefined) return "unread";
  return pairs.every(([known, now]) => known === now) ? "same" : "other";
}

/** By name: the files of one acquisition lie in one folder. */
function hashesOfDone(jobs: readonly Job[]): ReadonlyMap<string, string> {
  const files = jobs.flatMap(({ outcome }) => outcome?.sourceFiles ?? []);
  return new Map(files.map(({ file, sha256 }) => [basename(file), sha256]));
}
