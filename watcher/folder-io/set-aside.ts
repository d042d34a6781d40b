import { randomBytes } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { link, lstat, mkdir, readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join, parse } from "node:path";
import { machineError, systemCode } from "../../core/errors.ts";
import { fittedName, nameLimitOf } from "../../formats/file/name-limit.ts";

/**
 * The last moment of a move: the source is renamed into a hidden folder beside it, where nobody can open or replace it
 * by its name any more, while whoever had it open before is still seen. What a killed process leaves there is put back
 * by the next sweep.
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

/** Removes a file that was set aside, where it was not renamed away, and its hidden folder. */
export async function removeAside(aside: string): Promise<void> {
  await rm(aside, { force: true });
  await rmdir(dirname(aside)).catch(() => undefined);
  inUse.delete(dirname(aside));
}

/** Gives a file that was set aside its name again; where that is taken by now, a numbered one. Returns its path. */
export async function putBack(aside: string): Promise<string> {
  const folder = dirname(aside);
  const wanted = join(dirname(folder), basename(aside));
  try {
    const limitBytes = await nameLimitOf(dirname(wanted));
    for (let number = 1; number <= mostNumbers; number += 1) {
      const path = numberedPath(wanted, number, limitBytes);
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
 * Renames without replacing; false where `to` is taken by another file. `from` and `to` must not be two ways to one
 * folder entry.
 */
export async function takeName(from: string, to: string): Promise<boolean> {
  const given = await giveName(from, to);
  if (given === "linked") await unlink(from);
  return given !== "taken";
}

/**
 * Gives `from` the name `to` as well ("linked"), or instead ("renamed") where links are not possible; "taken" where
 * another file has it. Where links are not possible, a file that takes the name between the look and the rename is replaced:
 * Node has no rename that refuses this.
 */
export async function giveName(from: string, to: string): Promise<"linked" | "renamed" | "taken"> {
  try {
    await link(from, to);
    return "linked";
  } catch (error) {
    const code = systemCode(error);
    // The same file: somebody was killed between two steps.
    if (code === "EEXIST") return (await isSameFile(from, to)) ? "linked" : "taken";
    // FAT and some shares know no links; Linux refuses them for a file of another user that this one may not write.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP") throw error;
    if ((await lstat(to).catch(() => undefined)) !== undefined) return "taken";
    await rename(from, to);
    return "renamed";
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [here, there] = await Promise.all([lstat(one, { bigint: true }), lstat(other, { bigint: true })]);
  return here.dev === there.dev && here.ino === there.ino;
}

/** What lstat(2) tells of `path`; undefined where nothing has that name. */
export async function factsOf(path: string): Promise<BigIntStats | undefined> {
  return lstat(path, { bigint: true }).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  });
}

/** More names than this are not tried for one file. */
export const mostNumbers = 1000;

/**
 * `a/b.tif`, then `a/b-2.tif`, `a/b-3.tif`, …: the path that is tried as the `number`-th, from 1. A name of more than
 * `limitBytes` is shortened. Pure.
 */
export function numberedPath(path: string, number: number, limitBytes: number): string {
  const { dir, name, ext } = parse(path);
  return join(dir, fittedName(name, number === 1 ? ext : `-${number}${ext}`, limitBytes));
}

export function noFreeName(file: string) {
  return machineError("no free name is left for the source", {
    code: "move-names",
    file,
    remedy: "Empty the folder that finished sources are moved to",
    retryable: true,
  });
}
