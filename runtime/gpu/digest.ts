import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";

/** SHA-256 in lower-case hexadecimal. */
export type Digest = string;

export async function digestOfFile(file: string, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, {
    highWaterMark: 1 << 20,
    ...(signal ? { signal } : {}),
  })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}

/**
 * Of several files as one: the SHA-256 of what `sha256sum NAME...` prints for them, names in alphabetical order. So a
 * person can say it again with `sha256sum libonnxruntime_providers_*.so | sha256sum`.
 */
export async function digestOfFolder(
  folder: string,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<Digest> {
  const hash = createHash("sha256");
  for (const name of [...names].sort())
    hash.update(`${await digestOfFile(join(folder, name), signal)}  ${name}\n`);
  return hash.digest("hex");
}
