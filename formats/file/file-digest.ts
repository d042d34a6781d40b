import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** SHA-256 in lower-case hexadecimal. */
export type Digest = string;

/** Of a file's bytes. Throws what the file system says, and the signal's reason when it is aborted. */
export async function digestOfFile(file: string, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash("sha256");
  const chunks = createReadStream(file, { highWaterMark: 1 << 20, ...(signal ? { signal } : {}) });
  for await (const chunk of chunks) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
