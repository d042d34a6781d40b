import type { FileLook } from "./file-look.ts";
import type { SparseHashes } from "./identity.ts";

/** What tells one content of a file from another: with the path, the ledger's identity of an acquisition. */
export interface Sighting {
  /** Below the watch folder, with `/`. For a set: its first member. */
  readonly source: string;
  /** All members together. */
  readonly sizeBytes: number;
  /** The newest member's. */
  readonly mtimeMs: number;
  /** The newest member's time of status change. */
  readonly ctimeMs: number;
  /** `identity.ts`, over all members. */
  readonly endsHash: string;
  readonly middleHash: string;
  /** The files of a set, `source` first; one for most. */
  readonly members: readonly SeenMember[];
}

/** One file of an acquisition as it was seen. */
export interface SeenMember {
  /** As `Sighting.source`. */
  readonly source: string;
  readonly look: FileLook;
  readonly hashes: SparseHashes;
}
