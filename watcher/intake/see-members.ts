import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type SparseHashes, sparseHashes } from "./identity.ts";
import type { Sighting } from "./sighting.ts";

/** What `members` of one acquisition (below `folder`) hold now. Throws what the system says of one that cannot be read. */
export async function seeMembers(
  folder: string,
  members: readonly string[],
  onStep?: () => void,
): Promise<Sighting> {
  let sizeBytes = 0;
  // A clock that was never set, or a camera's, gives times before 1970, which are negative.
  let mtimeMs = Number.NEGATIVE_INFINITY;
  let ctimeMs = Number.NEGATIVE_INFINITY;
  const hashes: SparseHashes[] = [];
  for (const member of members) {
    const path = join(folder, member);
    const facts = await stat(path);
    sizeBytes += facts.size;
    mtimeMs = Math.max(mtimeMs, facts.mtimeMs);
    ctimeMs = Math.max(ctimeMs, facts.ctimeMs);
    hashes.push(await sparseHashes(path));
    onStep?.();
  }
  return {
    source: members[0] ?? "",
    sizeBytes,
    mtimeMs,
    ctimeMs,
    endsHash: ofAll(hashes.map(({ ends }) => ends)),
    middleHash: ofAll(hashes.map(({ middle }) => middle)),
    members,
  };
}

function ofAll(hashes: readonly string[]): string {
  const [only = ""] = hashes;
  return hashes.length === 1 ? only : createHash("sha256").update(hashes.join("")).digest("hex");
}
