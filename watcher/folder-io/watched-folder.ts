import { constants } from "node:fs";
import { access, opendir, stat } from "node:fs/promises";
import { type EdgeError, isDenied, isEdgeError, machineError, systemCode } from "../../core/errors.ts";
import { isEmpty, mountedDisk } from "./mounted-disk.ts";

/** Whether the watch folder is there, so that what it lacks was really removed. */
export interface WatchedFolder {
  /**
   * Answers where its disk is mounted. Throws `EdgeError` (`machine`, `folder-unreachable`) where the folder is missing,
   * may not be read, or is empty on another disk than before.
   */
  readonly check: () => Promise<string>;
}

const watchedDisk = {
  disk: "the disk of the watch folder",
  code: "folder-unreachable",
  option: "folders[].path",
};

/** `mountPointBefore`: where its disk was mounted when it was last looked at; undefined: never yet. */
export function createWatchedFolder(path: string, mountPointBefore: string | undefined): WatchedFolder {
  let mountPoint = mountPointBefore;
  let device: number | undefined;
  return {
    check: async () => {
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
    },
  };
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
