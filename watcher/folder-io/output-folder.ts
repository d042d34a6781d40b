import { constants } from "node:fs";
import { access, open, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isEdgeError, machineError, reportOf } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { FileAccess } from "../../formats/file/atomic-file.ts";
import { writeError } from "../../formats/file/file-errors.ts";
import { nameLimitOf } from "../../formats/file/name-limit.ts";
import { claimPartial, forgetPartial, removeStalePartials } from "../../formats/file/partial-name.ts";
import { deepestLevel } from "../intake/sweep.ts";
import { lookAtFileSystem, mountedDisk, mountPointFor } from "./mounted-disk.ts";
import type { FolderSettings, OutputState } from "./protocol.ts";
import { makeOutputFolder, makeResultFolder } from "./result-folder.ts";

/** Whether results can be written, and whether the disk is there on which they have lain so far. */

export type WatchedOutput = ReturnType<typeof watchOutput>;

/**
 * The folder of the results; remembers where its disk was mounted when it was last in order. The first time that it is,
 * what killed processes left half written there is removed: perhaps no job follows that would do it.
 */
export function watchOutput(
  { output, moveTo, access, subfolders }: FolderSettings,
  outputMountPoint: string | undefined,
  onStep: () => void,
) {
  let remembered = outputMountPoint;
  let targetMountPoint: string | undefined;
  let tidied = false;
  const check = async (): Promise<Extract<OutputState, { freeBytes: number }>> => {
    remembered = await checkOutput(output, remembered, access);
    if (!tidied) {
      tidied = true;
      if (moveTo !== undefined) targetMountPoint = await mountPointFor(moveTo);
      await removeLeftPartials(output, subfolders, onStep);
    }
    const { freeBytes, freeFiles } = await lookAtFileSystem(output);
    return {
      mountPoint: remembered,
      ...present({ targetMountPoint }),
      freeBytes,
      freeFiles,
      nameBytes: await nameLimitOf(output),
    };
  };
  return {
    check,
    state: (): Promise<OutputState> => check().catch((error: unknown) => ({ error: reportOf(error) })),
  };
}

const goesOn = "the folder goes on by itself";
const resultsFolder = {
  folder: "the folder for results",
  code: "output-folder-missing",
  option: "`output`",
  after: goesOn,
};
const resultsDisk = { disk: "the disk of the results", code: "output-not-mounted", option: "output" };

/**
 * Makes the folder of the results (one level) and answers the mount point of its disk. `before` is the mount point that it
 * had. Throws `EdgeError` (`machine`): `output-not-mounted` where that is none any more; as
 * `makeOutputFolder` for a file in its place; as `writeError` where nothing can be written. Writes nothing itself, so that it can be asked at each sweep.
 */
export async function checkOutput(output: string, before: string | undefined, results: FileAccess) {
  try {
    const mountPoint = await mountedDisk(output, before, resultsDisk);
    await makeOutputFolder(output, results, resultsFolder);
    await access(output, constants.W_OK | constants.X_OK);
    return mountPoint;
  } catch (error) {
    throw unwritable(error, output);
  }
}

/**
 * Makes `folder`, which lies in a checked output, and writes a small file there: some disks and shares say that they
 * can be written and then refuse. Throws `EdgeError` (`machine`). Answers false where the disk is full.
 */
export async function tryWriting(folder: string, results: FileAccess): Promise<boolean> {
  try {
    await makeResultFolder(folder, results, resultsFolder);
    const trial = claimPartial(join(folder, "write-check"));
    try {
      const handle = await open(trial, "wx");
      try {
        await handle.write("\n");
      } finally {
        await handle.close();
      }
    } finally {
      await unlink(trial).catch(() => undefined);
      forgetPartial(trial);
    }
    return true;
  } catch (error) {
    const told = unwritable(error, folder);
    if (!isEdgeError(told, "disk-full")) throw told;
    return false;
  }
}

const remedies: Readonly<Record<string, string>> = {
  "write-denied": `Give the user that runs cnnt-edge the right to write there; ${goesOn}`,
  "read-only-disk": `Mount the disk writable (after errors the kernel makes a disk read-only: see dmesg); as a service, run install.sh reconfigure so that the unit allows the folder; ${goesOn}`,
  "output-folder-missing": `Mount its disk or share, or make the folder; ${goesOn}`,
  "write-failed": `Check the disk and the connection to it; ${goesOn}`,
};

/** As `writeError` tells it, with what to do about a daemon's folder. */
function unwritable(error: unknown, file: string): unknown {
  if (isEdgeError(error)) return error;
  const told = writeError(error, file);
  const remedy = isEdgeError(told) ? remedies[told.code] : undefined;
  if (!isEdgeError(told) || remedy === undefined) return told;
  return machineError(`results cannot be written: ${told.message}`, {
    code: told.code,
    file,
    ...present({ found: told.found }),
    remedy,
    retryable: true,
    cause: error,
  });
}

/**
 * Removes what killed processes left half written in `folder`, and with `subfolders` below it too. A folder that cannot
 * be listed is left out. `onStep` is called after each folder.
 */
async function removeLeftPartials(folder: string, subfolders: boolean, onStep: () => void): Promise<void> {
  const pending = [{ path: folder, level: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, level } = next;
    await removeStalePartials(path);
    onStep();
    if (!subfolders || level === deepestLevel) continue;
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (entry.isDirectory()) pending.push({ path: join(path, entry.name), level: level + 1 });
    }
  }
}
