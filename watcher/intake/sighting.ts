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
  /** Members of a set, as `source`; one for most. */
  readonly members: readonly string[];
}
