import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { FileLook } from "./file-look.ts";
import { type SparseHashes, sparseHashes } from "./identity.ts";
import type { SeenMember, Sighting } from "./sighting.ts";

/**
 * What `members` of one acquisition (below `folder`) hold now. `hashesBefore` answers those of one that looks as it did
 * when it was hashed. Throws what the system says of one that cannot be read.
 */
export async function seeMembers(
  folder: string,
  members: readonly string[],
  hashesBefore: (source: string, look: FileLook) => SparseHashes | undefined,
  onStep?: () => void,
): Promise<readonly SeenMember[]> {
  const seen: SeenMember[] = [];
  for (const source of members) {
    const path = join(folder, source);
    const { size: sizeBytes, mtimeMs, ctimeMs } = await stat(path);
    const look = { sizeBytes, mtimeMs, ctimeMs };
    seen.push({ source, look, hashes: hashesBefore(source, look) ?? (await sparseHashes(path)) });
    onStep?.();
  }
  return seen;
}

/** Of all files of one acquisition, the one that stands for it first. */
export function sightingOf(seen: readonly SeenMember[]): Sighting {
  let sizeBytes = 0;
  // A clock that was never set, or a camera's, gives times before 1970, which are negative.
  let mtimeMs = Number.NEGATIVE_INFINITY;
  let ctimeMs = Number.NEGATIVE_INFINITY;
  for (const { look } of seen) {
    sizeBytes += look.sizeBytes;
    mtimeMs = Math.max(mtimeMs, look.mtimeMs);
    ctimeMs = Math.max(ctimeMs, look.ctimeMs);
  }
  return {
    source: seen[0]?.source ?? "",
    sizeBytes,
    mtimeMs,
    ctimeMs,
    endsHash: ofAll(seen.map(({ hashes }) => hashes.ends)),
    middleHash: ofAll(seen.map(({ hashes }) => hashes.middle)),
    members: seen,
  };
}

function ofAll(hashes: readonly string[]): string {
  const [only = ""] = hashes;
  return hashes.length === 1 ? only : createHash("sha256").update(hashes.join("")).digest("hex");
}
