import { readdir, realpath, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type EdgeError, isAbsent, machineError } from "../../core/errors.ts";
import { isInside } from "../config/resolve.ts";
import { watchModeOf } from "./file-systems.ts";
import { isGone } from "./is-gone.ts";

/**
 * What the system says of the disk of a folder, and whether it is the one on which the folder has lain so far: a mount
 * point without its disk takes files as well as the disk does, and hides them when the disk comes back.
 */

/** While a file of this name lies in a folder, it may be used without the disk that was once mounted there. */
export const withoutDiskName = "cnnt-edge-without-disk";

/** What is to be said of the folder. */
export interface DiskRole {
  /** As a sentence needs it: "the disk of the results". */
  readonly disk: string;
  readonly code: string;
  /** The option that names the folder. */
  readonly option: string;
}

/**
 * The mount point of the disk on which `folder` lies or is to be made. `before` is the mount point that it had, undefined
 * where that is not known. Throws `EdgeError` (`machine`, `role.code`) where nothing is mounted there any more, unless
 * `withoutDiskName` lies in `folder`; else what the system throws. What else lies there says nothing: it may have been
 * written while the disk was away.
 */
export async function mountedDisk(folder: string, before: string | undefined, role: DiskRole) {
  const mountPoint = await mountPointFor(folder);
  const unmounted = before !== undefined && before !== mountPoint && isInside(before, mountPoint);
  if (unmounted && (await isGone(join(folder, withoutDiskName)))) {
    throw notMounted(folder, before, mountPoint, role);
  }
  return mountPoint;
}

/** Where `folder`, which may be missing, would lie now. */
export async function mountPointFor(folder: string): Promise<string> {
  return mountPointOf(await nearestExisting(folder));
}

/** The folder at which the disk of `path` (real and existing) is mounted. */
async function mountPointOf(path: string): Promise<string> {
  const above = dirname(path);
  if (above === path) return path;
  const [{ dev }, { dev: devAbove }] = await Promise.all([stat(path), stat(above)]);
  return dev === devAbove ? mountPointOf(above) : path;
}

async function nearestExisting(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isAbsent(error) || dirname(path) === path) throw error;
    return nearestExisting(dirname(path));
  }
}

/** Whether a folder holds no name, but for those that start with a dot, or is missing. */
export async function isEmpty(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (isAbsent(error)) return [];
    throw error;
  });
  return names.every((name) => name.startsWith("."));
}

function notMounted(folder: string, before: string, now: string, role: DiskRole): EdgeError {
  return machineError(`${role.disk} seems not to be mounted`, {
    code: role.code,
    file: folder,
    found: `the disk of ${now}`,
    allowed: `the disk that was mounted at ${before}`,
    remedy: `Mount it again; the daemon goes on by itself. To use this folder without that disk from now on, make a file "${withoutDiskName}" in it, or name another folder as ${role.option}`,
    retryable: true,
  });
}

/** How `folder` is to be watched and how much room its disk has. */
export async function lookAtFileSystem(folder: string) {
  const facts = await statfs(folder);
  return {
    mode: watchModeOf(facts.type),
    /** For this user; Infinity where the file system does not know. */
    freeBytes: facts.blocks === 0 ? Number.POSITIVE_INFINITY : facts.bavail * facts.bsize,
    /** How many more files and folders it can hold (free inodes); Infinity where the file system has no such limit. */
    freeFiles: facts.files === 0 ? Number.POSITIVE_INFINITY : facts.ffree,
  };
}
