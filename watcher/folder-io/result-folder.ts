import { chown, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { FileAccess } from "../../formats/file/atomic-file.ts";
import { folderMode } from "./result-access.ts";

/**
 * Lets this process make folders with the permissions that `access` asks for. By the umask and not by chmod, which
 * would take away the bit that hands a parent's group on, and may not set it again in a hardened service.
 */
export function useResultAccess({ mode }: FileAccess): void {
  if (mode !== undefined) process.umask(0o777 & ~folderMode(mode));
}

/** Makes `folder` and what is missing above it, with the group of `access`. */
export async function makeResultFolder(folder: string, { gid }: FileAccess): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined || gid === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    await giveGroup(made, gid);
    if (made === first || made === dirname(made)) return;
  }
}

/** `mkdir` of one level, which fails where the parent is missing. */
export async function makeOutputFolder(folder: string, { gid }: FileAccess): Promise<void> {
  await mkdir(folder);
  if (gid !== undefined) await giveGroup(folder, gid);
}

/** Where the system refuses it for a folder, it refuses it for the result too, which tells. */
async function giveGroup(folder: string, gid: number): Promise<void> {
  await chown(folder, -1, gid).catch(() => undefined);
}
