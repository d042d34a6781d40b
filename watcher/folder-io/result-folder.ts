import { chown, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { machineError, systemCode } from "../../core/errors.ts";
import type { FileAccess } from "../../formats/file/atomic-file.ts";
import { folderMode } from "./result-access.ts";

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
