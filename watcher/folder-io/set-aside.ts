import { randomBytes } from "node:crypto";
import { link, lstat, mkdir, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemCode } from "../../core/system-code.ts";
import { mostNumbers, noFreeName, numberedPath } from "./numbered-path.ts";

/**
 * The last moment of a move across disks: the source is renamed into a hidden folder beside it, where nobody can open
 * it by its name any more, while whoever had it open before is still seen. What a killed process leaves there is put
 * back by the next sweep.
 */

/** Those that this process is using. */
const inUse = new Set<string>();

/** Renames `file` into a hidden folder of its own beside it and returns its new path. */
export async function setAside(file: string): Promise<string> {
  // As `isAside` knows it.
  const folder = join(dirname(file), `.cnnt-edge-moving-${randomBytes(8).toString("hex")}`);
  inUse.add(folder);
  try {
    await mkdir(folder);
    const aside = join(folder, basename(file));
    await rename(file, aside);
    return aside;
  } catch (error) {
    await rmdir(folder).catch(() => undefined);
    inUse.delete(folder);
    throw error;
  }
}

/** Removes a file that was set aside, and its hidden folder. */
export async function removeAside(aside: string): Promise<void> {
  await unlink(aside);
  await rmdir(dirname(aside)).catch(() => undefined);
  inUse.delete(dirname(aside));
}

/** Gives a file that was set aside its name again; where that is taken by now, a numbered one. Returns its path. */
export async function putBack(aside: string): Promise<string> {
  const folder = dirname(aside);
  const wanted = join(dirname(folder), basename(aside));
  try {
    for (let number = 1; number <= mostNumbers; number += 1) {
      const path = numberedPath(wanted, number);
      if (!(await takeName(aside, path))) continue;
      await rmdir(folder).catch(() => undefined);
      return path;
    }
    throw noFreeName(wanted);
  } finally {
    // Where it failed, the next sweep tries again.
    inUse.delete(folder);
  }
}

/** Puts back what a killed process left in the hidden `folder`; returns the paths that the files have again. */
export async function restoreAside(folder: string): Promise<string[]> {
  if (inUse.has(folder)) return [];
  const names = await readdir(folder).catch(() => []);
  const restored: string[] = [];
  for (const name of names) restored.push(await putBack(join(folder, name)));
  if (names.length === 0) await rmdir(folder).catch(() => undefined);
  return restored;
}

/**
 * Renames without ever replacing; false where `to` is taken by another file. `from` and `to` must not be two ways to one
 * folder entry.
 */
export async function takeName(from: string, to: string): Promise<boolean> {
  try {
    // `link` refuses to replace, which `rename` would not.
    await link(from, to);
  } catch (error) {
    const code = systemCode(error);
    if (code === "EEXIST") {
      // The same file: somebody was killed between the two steps below.
      if (!(await isSameFile(from, to))) return false;
      await unlink(from);
      return true;
    }
    // FAT and some shares know no links.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP") throw error;
    if ((await lstat(to).catch(() => undefined)) !== undefined) return false;
    await rename(from, to);
    return true;
  }
  await unlink(from);
  return true;
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [here, there] = await Promise.all([lstat(one, { bigint: true }), lstat(other, { bigint: true })]);
  return here.dev === there.dev && here.ino === there.ino;
}
