import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { counted } from "../core/counted.ts";
import { type EdgeError, isAbsent, systemCode, usageError } from "../core/errors.ts";
import { naturally } from "../core/natural-order.ts";
import { folderReader } from "./folders.ts";
import { imageEndings, isImageName, isZarrName } from "./image-name.ts";

/** How many names a sentence lists. */
const listedNames = 3;

/** Few names in full, of many the first: "a.json, b.txt, c.xml and 4 more". */
export function listed(names: readonly string[]): string {
  const more = names.length - listedNames;
  return `${names.slice(0, listedNames).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/**
 * Names of what lies in a folder and is none itself, and of folders that are named like an OME-Zarr, in natural order; undefined where the path
 * is one acquisition: a file, or a folder that is one. Throws `EdgeError` (`usage`) where it cannot be reached.
 */
export async function namesIn(path: string): Promise<readonly string[] | undefined> {
  const refuse = (cause: unknown) => {
    throw unreachable(path, cause);
  };
  if (!(await stat(path).catch(refuse)).isDirectory()) return undefined;
  const entries = await readdir(path, { withFileTypes: true }).catch(refuse);
  const isAcquisition = folderReader(
    path,
    entries.map(({ name }) => name),
  );
  if (isAcquisition !== undefined) return undefined;
  return entries
    .filter((entry) => !entry.isDirectory() || isZarrName(entry.name))
    .map(({ name }) => name)
    .sort(naturally.compare);
}

/**
 * A file, or a folder that is an acquisition, as given; of another folder its visible files that are named like images (not what is below them), in natural
 * order. `tell` gets a sentence about those that are left out. Throws `EdgeError` (`usage`) where no image is there,
 * or where the path cannot be reached.
 */
export async function filesOf(path: string, tell?: (sentence: string) => void): Promise<readonly string[]> {
  const names = (await namesIn(path))?.filter((name) => !name.startsWith("."));
  if (names === undefined) return [namedFolder(path)];
  const others = names.filter((name) => !isImageName(name));
  if (others.length === names.length) throw noImageIn(path, others, imageEndings);
  if (others.length > 0) tell?.(leftOut(path, others));
  return names.filter(isImageName).map((name) => join(path, name));
}

/** A folder by a path that ends with its name: without the slash that shells put behind it, and for `.` and `..` the whole path. */
export function namedFolder(path: string): string {
  const bare = path.replace(/(?<=.)\/+$/, "");
  return /(^|\/)\.\.?$/.test(bare) ? resolve(bare) : bare;
}

/** `others`: names of what the folder holds instead; `endings`: those that would be taken. */
export function noImageIn(folder: string, others: readonly string[], endings: readonly string[]): EdgeError {
  return usageError("the folder holds no image that cnnt-edge reads", {
    code: "input-folder-empty",
    file: folder,
    ...(others.length === 0 ? {} : { found: listed(others) }),
    allowed: `files named ${endings.slice(0, -1).join(", ")} or ${endings.at(-1)}; subfolders are not searched`,
    remedy: "Name the folder that holds the images, or the files themselves",
  });
}

function leftOut(path: string, names: readonly string[]): string {
  const why =
    names.length === 1
      ? "is left out, because it is not named like an image"
      : "are left out, because they are not named like images";
  return `${path}: ${counted(names.length, "file")} ${why}: ${listed(names)}`;
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
