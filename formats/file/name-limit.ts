import { createHash } from "node:crypto";
import { lstat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemCode } from "../../core/errors.ts";

/** Names that a file system holds, in bytes of UTF-8. */

/** ext4, xfs, btrfs, NTFS and SMB hold the first, eCryptfs (encrypted home folders) the second. */
export const nameLimits = { usual: 255, smallest: 143 };

/**
 * The longest name that can be given in `folder`, in bytes: asked of the disk, by a look for such a name. A folder that is
 * still to be made is taken to come to the disk of the one above it.
 */
export async function nameLimitOf(folder: string): Promise<number> {
  const above = dirname(folder);
  const facts = await lstat(folder).catch(() => undefined);
  if (facts === undefined && above !== folder) return nameLimitOf(above);
  const tooLong = await lstat(join(folder, "n".repeat(nameLimits.usual))).then(
    () => false,
    (error: unknown) => systemCode(error) === "ENAMETOOLONG",
  );
  return tooLong ? nameLimits.smallest : nameLimits.usual;
}

const hashDigits = 8;

/**
 * `stem` and `ending` as one name of at most `limitBytes`. Of a longer one the stem's start is kept, with a hash of the
 * whole name behind it: the same each time, and another for another name. Pure.
 */
export function fittedName(stem: string, ending: string, limitBytes: number): string {
  const whole = `${stem}${ending}`;
  if (Buffer.byteLength(whole) <= limitBytes) return whole;
  const hash = createHash("sha256").update(whole).digest("hex").slice(0, hashDigits);
  const rest = `-${hash}${ending}`;
  return `${clippedToBytes(stem, limitBytes - Buffer.byteLength(rest))}${rest}`;
}

/** The longest start of `name` of at most `bytes` bytes of UTF-8 that does not cut a character. */
export function clippedToBytes(name: string, bytes: number): string {
  let clipped = "";
  let used = 0;
  for (const char of name) {
    used += Buffer.byteLength(char);
    if (used > bytes) break;
    clipped += char;
  }
  return clipped;
}
