import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

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
