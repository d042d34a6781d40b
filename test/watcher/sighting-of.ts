import type { SeenMember, Sighting } from "../../watcher/intake/sighting.ts";

/** What the structure of a file of one small plane says of it. */
export const onePlane = { sampleBytes: 128, voxels: [64] };

/** What is seen of one small file. */
export function sightingOf(source: string, change: Partial<Sighting> = {}): Sighting {
  const one = { source, sizeBytes: 10, mtimeMs: 1, ctimeMs: 1, endsHash: "h", middleHash: "m", ...change };
  return { ...one, members: change.members ?? [memberOf(source, one)] };
}

export function memberOf(
  source: string,
  change: Partial<Omit<Sighting, "source" | "members">> = {},
): SeenMember {
  const { sizeBytes = 10, mtimeMs = 1, ctimeMs = 1, endsHash = "h", middleHash = "m" } = change;
  return {
    source,
    look: { sizeBytes, mtimeMs, ctimeMs },
    hashes: { ends: endsHash, middle: middleHash },
  };
}
