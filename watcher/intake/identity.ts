import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

/** How much of each end counts for the identity (bytes). Headers stand at the start, late indices at the end. */
const endBytes = 64 * 1024;

/** sha256 (hex) over the size and both ends: cheap on a share, and different for almost any two acquisitions. */
export async function endsHash(path: string): Promise<string> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const hash = createHash("sha256").update(`${size}:`);
    hash.update(await readAt(handle, 0, Math.min(endBytes, size)));
    const tailStart = Math.max(endBytes, size - endBytes);
    if (tailStart < size) hash.update(await readAt(handle, tailStart, size - tailStart));
    return hash.digest("hex");
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, position);
  return bytes.subarray(0, bytesRead);
}
