import { execFile } from "node:child_process";
import { chown, mkdir, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { machineError, systemCode, usageError } from "../../core/errors.ts";
import type { FileAccess } from "../../formats/file/atomic-file.ts";
import type { FolderConfig } from "../config/resolve.ts";

/** Who may read the results of a folder, and the folders that are made for them. */

const run = promisify(execFile);
/** A directory service that is away must not hold the daemon up for long. */
const lookUpMs = 10_000;

/** Throws `EdgeError` (`usage`) where the configured group does not exist. */
export async function resultAccess({ name, mode, group }: FolderConfig): Promise<FileAccess> {
  const gid = typeof group === "string" && !/^\d+$/.test(group) ? await gidOf(group) : group;
  if (gid === undefined) {
    throw usageError(`the group of folder "${name}" does not exist on this machine`, {
      code: "group-unknown",
      found: String(group),
      remedy: `Make it (groupadd ${group}) and let the daemon's user join it, or name another one in folders[].group`,
    });
  }
  return {
    ...(mode !== null && { mode: Number.parseInt(mode, 8) }),
    ...(gid !== null && { gid: Number(gid) }),
  };
}

/** Whoever may read a file may look into the folder that was made for it. */
export function folderMode(fileMode: number): number {
  return fileMode | ((fileMode & 0o444) >> 2);
}

/** `getent` also asks a directory service; where it is missing, the machine's own file is read. */
async function gidOf(group: string): Promise<number | undefined> {
  const entry = await run("getent", ["group", group], { timeout: lookUpMs }).then(
    ({ stdout }) => stdout,
    async (error: unknown) => {
      if (systemCode(error) !== "ENOENT") return "";
      return readFile("/etc/group", "utf8").catch(() => "");
    },
  );
  const line = entry.split("\n").find((one) => one.startsWith(`${group}:`));
  const gid = line?.split(":")[2];
  return gid === undefined || !/^\d+$/.test(gid) ? undefined : Number(gid);
}

/**
 * Lets this process make folders with the permissions that `access` asks for. By the umask and not by chmod, which
 * would take away the bit that hands a parent's group on, and may not set it again in a hardened service.
 */
export function useResultAccess({ mode }: FileAccess): void {
  if (mode !== undefined) process.umask(0o777 & ~folderMode(mode));
}

/** What a folder is made for, as a person is told where a file has its name. */
export interface FolderRole {
  /** As a sentence needs it: "the folder for results". */
  readonly folder: string;
  readonly code: string;
  /** The option that names the folder. */
  readonly option: string;
  /** What happens once the file is gone. */
  readonly after: string;
}

/**
 * Makes `folder` and what is missing above it, with the group of `access`. Throws `EdgeError` (`machine`, `role.code`)
 * where a file has the name of one of them; else what the system throws.
 */
export async function makeResultFolder(folder: string, { gid }: FileAccess, role: FolderRole): Promise<void> {
  const first = await mkdir(folder, { recursive: true }).catch((error: unknown) =>
    refuseFileInPlace(folder, role, error),
  );
  if (first === undefined || gid === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    await giveGroup(made, gid);
    if (made === first || made === dirname(made)) return;
  }
}

/**
 * As `makeResultFolder`, but only this one level: a missing parent is rather a disk that is not mounted than a folder to
 * be made. A folder that is there is taken as it is.
 */
export async function makeOutputFolder(folder: string, { gid }: FileAccess, role: FolderRole): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    // A link that leads nowhere has the name too, and is no folder: `stat` says so.
    if (systemCode(error) !== "EEXIST" || !(await stat(folder)).isDirectory()) {
      await refuseFileInPlace(folder, role, error);
    }
    return;
  }
  if (gid !== undefined) await giveGroup(folder, gid);
}

/** Throws for the file that keeps `folder` from being made; where there is none, `cause`. */
async function refuseFileInPlace(folder: string, role: FolderRole, cause: unknown): Promise<never> {
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    const facts = await stat(path).catch(() => undefined);
    if (facts?.isDirectory()) break;
    if (facts === undefined) continue;
    throw machineError(`there is a file in place of ${role.folder}`, {
      code: role.code,
      file: path,
      remedy: `Move the file away, or name another folder as ${role.option}; ${role.after}`,
      retryable: true,
      cause,
    });
  }
  throw cause;
}

/** Where the system refuses it for a folder, it refuses it for the result too, which tells. */
async function giveGroup(folder: string, gid: number): Promise<void> {
  await chown(folder, -1, gid).catch(() => undefined);
}
