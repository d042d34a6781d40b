import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Digest, digestOfFile } from "../../formats/file/file-digest.ts";

// For bundle/, which knows runtime/ only.
export { digestOfFile };

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
    hash.update(`${await digestOfFile(join(folder, name), { signal })}  ${name}\n`);
  return hash.digest("hex");
}
