import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

/** SHA-256 in lower-case hexadecimal. */
export type Digest = string;

const chunkBytes = 4 * 1024 * 1024;

/**
 * Of a file's bytes. `onStep` is called after each chunk that was read. Throws what the file system says, and the signal's
 * reason when it is aborted. (The engine hashes a large source on a thread of its own: `runtime/result/hash-thread.js`.)
 */
export async function digestOfFile(
  file: string,
  { signal, onStep }: { readonly signal?: AbortSignal | undefined; readonly onStep?: () => void } = {},
): Promise<Digest> {
  const handle = await open(file, "r");
  try {
    const hash = createHash("sha256");
    const { size } = await handle.stat();
    // No more than a small file needs: thousands of them would keep the garbage collector busy. Files of /proc say 0.
    const chunk = Buffer.allocUnsafe(size === 0 ? chunkBytes : Math.min(chunkBytes, size));
    for (let position = 0; ; ) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
      onStep?.();
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(chunk.subarray(0, bytesRead));
      position += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
