import { constants } from "node:fs";
import { access, lstat, opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type EdgeError,
  isAbsent,
  isDenied,
  isEdgeError,
  machineError,
  systemCode,
} from "../../core/errors.ts";
import { isEmpty, mountedDisk } from "./mounted-disk.ts";

export type WatchedFolder = ReturnType<typeof createWatchedFolder>;

/** What is not there is looked for again after this. */
const secondLookMs = 250;

const watchedDisk = {
  disk: "the disk of the watch folder",
  code: "folder-unreachable",
  option: "folders[].path",
};

/**
 * The watch folder, and whether it is there, so that what it lacks was really removed. `mountPointBefore`: where its disk
 * was mounted when it was last looked at; undefined: never yet.
 */
export function createWatchedFolder(path: string, mountPointBefore: string | undefined) {
  let mountPoint = mountPointBefore;
  let device: number | undefined;

  /**
   * Answers where its disk is mounted. Throws `EdgeError` (`machine`, `folder-unreachable`) where the folder is missing,
   * may not be read, or is empty on another disk than before.
   */
  async function check(): Promise<string> {
    try {
      const { dev } = await stat(path);
      await (await opendir(path)).close();
      await access(path, constants.X_OK);
      const mountedAt = await mountedDisk(path, mountPoint, watchedDisk);
      if (device !== undefined && device !== dev && (await isEmpty(path))) throw emptyMountPoint(path);
      device = dev;
      mountPoint = mountedAt;
      return mountedAt;
    } catch (error) {
      throw unreachable(error, path);
    }
  }

  /** What lies there of an acquisition. Throws as `check`. */
  async function lookAt(members: readonly string[]): Promise<SourceLook> {
    const look = await lookAtMembers(path, members);
    // After the look: a folder that vanished before it is then still gone.
    await check();
    if (look.kind !== "gone") return look;
    // A folder that was away for a moment, as a share that blinks, is back by now.
    await sleep(secondLookMs);
    const again = await lookAtMembers(path, members);
    await check();
    return again;
  }

  return { check, lookAt };
}

/** What is told of a folder whose disk refused something; an `EdgeError` stays itself. */
export function unreachable(error: unknown, file: string): EdgeError {
  if (isEdgeError(error)) return error;
  return machineError("the folder cannot be reached", {
    code: "folder-unreachable",
    file,
    found: systemCode(error) ?? "unknown",
    remedy: isDenied(error)
      ? "Give this user the right to read and write there"
      : "Mount the disk or share, or make the folder; the daemon tries again by itself",
    retryable: true,
    cause: error,
  });
}

function emptyMountPoint(file: string): EdgeError {
  return machineError("another disk is there now, and it is empty", {
    code: "folder-unreachable",
    file,
    remedy: "Mount the share again; the daemon tries again by itself",
    retryable: true,
  });
}

/** What lies in the watch folder of an acquisition. */
export type SourceLook =
  /** Size of all members together, and when the newest of them was changed: as the ledger identifies them. */
  | { readonly kind: "there"; readonly sizeBytes: number; readonly mtimeMs: number }
  /** The folder is there and a member is not. */
  | { readonly kind: "gone" }
  /** The system does not let us look at it; whoever opens it is told why. */
  | { readonly kind: "unknown" };

async function lookAtMembers(folder: string, members: readonly string[]): Promise<SourceLook> {
  try {
    const found = await Promise.all(members.map((member) => stat(join(folder, member))));
    return {
      kind: "there",
      sizeBytes: found.reduce((sum, { size }) => sum + size, 0),
      mtimeMs: Math.max(...found.map(({ mtimeMs }) => mtimeMs)),
    };
  } catch (error) {
    return { kind: isAbsent(error) ? "gone" : "unknown" };
  }
}

/** Of absolute paths. */
export async function areAllAbsent(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) if (!(await lstat(path).then(() => false, isAbsent))) return false;
  return true;
}
