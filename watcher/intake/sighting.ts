import { createHash } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import { join } from "node:path";

/** How a file was listed: with other values it has other content, or may have. */
export interface FileLook {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

export function looksAlike(one: FileLook | undefined, other: FileLook | undefined): boolean {
  return (
    one?.sizeBytes === other?.sizeBytes && one?.mtimeMs === other?.mtimeMs && one?.ctimeMs === other?.ctimeMs
  );
}

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
  /** As `SparseHashes`, over all members. */
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

/** How much of each end counts for the identity (bytes). Headers stand at the start, late indices at the end. */
const endBytes = 64 * 1024;
/** What is looked at between the ends: so many pieces of so many bytes, spread evenly. */
const pieces = 16;
const pieceBytes = 4 * 1024;

/** What tells one content from another without reading all of it, sha256 (hex): cheap on a share. */
export interface SparseHashes {
  /** Over the size and both ends: different for almost any two acquisitions. */
  readonly ends: string;
  /**
   * Over pieces between the ends: different where another acquisition has the same headers, because noise is never the same.
   * A change that lies between the pieces is not seen.
   */
  readonly middle: string;
}

export async function sparseHashes(path: string): Promise<SparseHashes> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const ends = createHash("sha256").update(`${size}:`);
    ends.update(await readAt(handle, 0, Math.min(endBytes, size)));
    const tailStart = Math.max(endBytes, size - endBytes);
    if (tailStart < size) ends.update(await readAt(handle, tailStart, size - tailStart));
    const middle = createHash("sha256");
    for (const position of piecePositions(size)) {
      middle.update(await readAt(handle, position, Math.min(pieceBytes, tailStart - position)));
    }
    return { ends: ends.digest("hex"), middle: middle.digest("hex") };
  } finally {
    await handle.close();
  }
}

/** Where the pieces begin in a file of `sizeBytes`; together they are all that lies between the ends where that is little. */
function piecePositions(sizeBytes: number): number[] {
  const betweenBytes = Math.max(0, sizeBytes - 2 * endBytes);
  const count = Math.min(pieces, Math.ceil(betweenBytes / pieceBytes));
  return Array.from({ length: count }, (_, index) => endBytes + Math.floor((index * betweenBytes) / count));
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, position);
  return bytes.subarray(0, bytesRead);
}

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
