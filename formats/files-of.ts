import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type EdgeError, usageError } from "../core/errors.ts";
import { isAbsent, systemCode } from "../core/system-code.ts";

/** File names sort as people count: `scan2` before `scan10`. */
export const naturally = new Intl.Collator("en", { numeric: true });

/**
 * A file as given; of a folder its visible files (not what is below them), in natural order. Throws `EdgeError`
 * (`usage`) where there is none, or where it cannot be reached.
 */
export async function filesOf(path: string): Promise<readonly string[]> {
  const refuse = (cause: unknown) => {
    throw unreachable(path, cause);
  };
  const facts = await stat(path).catch(refuse);
  if (!facts.isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true }).catch(refuse);
  const names = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map(({ name }) => name);
  if (names.length > 0) return names.sort(naturally.compare).map((name) => join(path, name));
  throw usageError("the folder holds no file", {
    code: "input-folder-empty",
    file: path,
    allowed: "image files; subfolders are not searched",
    remedy: "Name the folder that holds the images, or the files themselves",
  });
}

/** What to say of a path on the command line that a system call failed on. */
export function unreachable(path: string, cause: unknown): EdgeError {
  if (isAbsent(cause)) {
    return usageError("there is no such file or folder", {
      code: "input-missing",
      file: path,
      remedy: "Check the name",
    });
  }
  return usageError("it cannot be read", {
    code: "input-unreachable",
    file: path,
    found: systemCode(cause) ?? String(cause),
    remedy: "Check that you may read it",
    cause,
  });
}
