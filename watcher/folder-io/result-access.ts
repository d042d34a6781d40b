import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { systemCode, usageError } from "../../core/errors.ts";
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
    ...(mode === null ? {} : { mode: Number.parseInt(mode, 8) }),
    ...(gid === null ? {} : { gid: Number(gid) }),
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
