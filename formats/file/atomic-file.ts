import { type FileHandle, link, lstat, open, rename, stat, statfs, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { machineError, systemCode, usageError, verificationError } from "../../core/errors.ts";
import { noSpaceError, writeError } from "./file-errors.ts";
import { claimPartial, forgetPartial } from "./partial-name.ts";

interface AtomicFileOptions {
  /** Replace a file that already has the name; refused otherwise. */
  readonly overwrite?: boolean;
  /** Files that must not be replaced, overwrite or not: what the new file is made from. */
  readonly sources?: readonly string[];
  /** Refuse at once when the disk has less room than this. */
  readonly expectedBytes?: number;
  /** Who may read it, given before a byte is written. Where the system refuses, the file is written all the same. */
  readonly access?: FileAccess;
}

/** Permission bits and numeric group; what is absent stays as the system makes it. */
export interface FileAccess {
  readonly mode?: number | undefined;
  readonly gid?: number | undefined;
}

/**
 * After so many bytes the disk is asked to begin with them, beside the writing: the sync at the end then waits for
 * little, and memory does not fill with what is still to be written.
 */
const syncEveryBytes = 64 * 2 ** 20;

/** Linux moves at most 2 GiB - 4 KiB in one call; this much keeps several files progressing side by side. */
const writeChunkBytes = 64 * 2 ** 20;

/**
 * The only way by which a file gets its final name: temporary name in the same folder, write, compare the length,
 * sync the file, rename, sync the folder. Whatever dies in between leaves nothing under the final name. Starts the
 * file `path`. Throws `EdgeError`: `usage` when it exists, `machine` when the disk refuses.
 */
export async function createAtomicFile(path: string, options: AtomicFileOptions = {}) {
  const target = resolve(path);
  const overwrite = options.overwrite ?? false;
  await refuseSource(target, path, options.sources ?? []);
  await refuseOccupied(target, path, overwrite);
  if (options.expectedBytes !== undefined) await refuseFullDisk(path, options.expectedBytes);

  const temporaryPath = claimPartial(target);
  const handle = await open(temporaryPath, "wx").catch((error: unknown) => {
    forgetPartial(temporaryPath);
    throw writeError(error, path);
  });
  const accessProblem = await giveAccess(handle, options.access ?? {});
  let ended = false;
  let unsyncedBytes = 0;
  let syncing: Promise<unknown> | undefined;
  let syncFailure: unknown;

  /** A disk tells of a failed sync once only, so it is kept for `commit`. */
  const syncBeside = (): void => {
    if (syncing !== undefined || unsyncedBytes < syncEveryBytes) return;
    unsyncedBytes = 0;
    syncing = handle
      .datasync()
      .catch((error: unknown) => {
        syncFailure ??= error;
      })
      .finally(() => {
        syncing = undefined;
      });
  };

  /** Removes the temporary file. Does nothing after `commit`. Never throws. */
  const abort = async (): Promise<void> => {
    if (ended) return;
    ended = true;
    await syncing;
    await handle.close().catch(() => undefined);
    await unlink(temporaryPath).catch(() => undefined);
    forgetPartial(temporaryPath);
  };

  return {
    /** The name that it has until `commit`. */
    temporaryPath,
    /** Why the file has not the access that was asked for, as a sentence for a person; undefined: it has. */
    accessProblem,
    /** Writes all of `bytes` at `position`. */
    async write(bytes: Uint8Array, position: number): Promise<void> {
      try {
        await writeAll(handle, bytes, position);
        unsyncedBytes += bytes.byteLength;
        syncBeside();
      } catch (error) {
        throw writeError(error, path);
      }
    },
    /**
     * Gives the file its final name, unless `check`, which reads it under its temporary name while the disk is synced,
     * throws. Throws `verificationError` when it is not `lengthBytes` long; then, as after every failure, the temporary
     * file is removed.
     */
    async commit(lengthBytes: number, check?: (path: string) => Promise<void>): Promise<void> {
      try {
        await syncing;
        if (syncFailure !== undefined) throw syncFailure;
        const { size } = await handle.stat();
        if (size !== lengthBytes) throw wrongLength(path, size, lengthBytes);
        // Both are waited for: nothing may still read or sync when the file is closed.
        const [checked, synced] = await Promise.allSettled([check?.(temporaryPath), handle.sync()]);
        if (synced.status === "rejected") throw synced.reason;
        if (checked.status === "rejected") throw checked.reason;
        await handle.close();
        await giveName(temporaryPath, target, path, overwrite);
        ended = true;
        forgetPartial(temporaryPath);
        await syncFolder(dirname(target));
      } catch (error) {
        await abort();
        throw writeError(error, path);
      }
    },
    abort,
  };
}

/** A whole small file in one go. */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array,
  options: Omit<AtomicFileOptions, "expectedBytes"> = {},
): Promise<void> {
  const file = await createAtomicFile(path, { ...options, expectedBytes: bytes.byteLength });
  try {
    await file.write(bytes, 0);
    await file.commit(bytes.byteLength);
  } finally {
    await file.abort();
  }
}

/** The group first: changing it may take permission bits away. Returns what the system refused. */
async function giveAccess(handle: FileHandle, { mode, gid }: FileAccess): Promise<string | undefined> {
  const refused: string[] = [];
  const attempt = async (what: string, change: () => Promise<void>): Promise<void> => {
    await change().catch((error: unknown) => {
      refused.push(`${what} (${systemCode(error) ?? "unknown"})`);
    });
  };
  if (gid !== undefined) {
    await attempt(`the group ${gid}`, () => handle.chown(-1, gid));
  }
  if (mode !== undefined) {
    await attempt(`the mode ${mode.toString(8).padStart(4, "0")}`, () => handle.chmod(mode));
  }
  if (refused.length === 0) return undefined;
  return `the system refused to give the result ${refused.join(" and ")}: others may not be able to read it; the daemon's user must be in the group, and the disk must support permissions`;
}

/** By device and inode where the system has them, because a source may be reached by several names. A source may be a folder. */
async function refuseSource(target: string, file: string, sources: readonly string[]): Promise<void> {
  const around = sources.find((source) => target.startsWith(`${resolve(source)}/`));
  if (around !== undefined) {
    throw usageError("the result would lie inside its own source", {
      code: "output-in-source",
      file,
      found: `inside ${around}`,
      remedy: "Choose another folder: a source is never changed",
    });
  }
  const facts = await stat(target).catch(() => undefined);
  if (facts === undefined) return;
  for (const source of sources) {
    const other = await stat(source).catch(() => undefined);
    if (other === undefined || other.dev !== facts.dev || other.ino !== facts.ino) continue;
    throw usageError("the result would replace its own source", {
      code: "output-is-source",
      file,
      remedy: "Choose another name or folder: a source is never changed",
    });
  }
}

async function refuseOccupied(target: string, file: string, overwrite: boolean): Promise<void> {
  const facts = await lstat(target).catch((error: unknown) => {
    // A free name is what we want; a missing folder is told when the temporary file is opened.
    if (systemCode(error) === "ENOENT") return undefined;
    throw writeError(error, file);
  });
  if (facts === undefined) return;
  if (facts.isDirectory()) {
    throw usageError("a folder has that name", {
      code: "output-is-folder",
      file,
      remedy: "Choose another name",
    });
  }
  if (!overwrite) throw existsError(file);
}

function existsError(file: string) {
  return usageError("the file exists already", {
    code: "output-exists",
    file,
    remedy: "Choose another name or folder, remove the file, or allow it to be overwritten",
  });
}

async function refuseFullDisk(file: string, expectedBytes: number): Promise<void> {
  const facts = await statfs(dirname(resolve(file))).catch((error: unknown) => {
    throw writeError(error, file);
  });
  const freeBytes = facts.bavail * facts.bsize;
  // Some network and FUSE file systems know no size and say 0 of 0.
  if (facts.blocks > 0 && freeBytes < expectedBytes) throw noSpaceError(file, expectedBytes, freeBytes);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const length = Math.min(writeChunkBytes, bytes.byteLength - done);
    const { bytesWritten } = await handle.write(bytes, done, length, position + done);
    done += bytesWritten;
  }
}

/**
 * `link` refuses atomically to replace a file that appeared meanwhile; `rename` would not. File systems without
 * hard links (FAT, some shares) are looked at once more, then renamed.
 */
async function giveName(temporary: string, target: string, file: string, overwrite: boolean): Promise<void> {
  if (!overwrite) {
    const linked = await link(temporary, target).then(
      () => true,
      (error: unknown) => {
        if (systemCode(error) === "EEXIST") throw existsError(file);
        return false;
      },
    );
    if (linked) return unlink(temporary);
    await refuseOccupied(target, file, overwrite);
  }
  await rename(temporary, target);
}

/** Makes the new name itself survive a power cut. Not every system lets a folder be opened or synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch (error) {
    if (systemCode(error) === "EIO")
      throw machineError("the folder could not be synced", { code: "write-failed", file: folder });
  } finally {
    await handle.close();
  }
}

function wrongLength(file: string, size: number, lengthBytes: number) {
  return verificationError("the file on the disk has the wrong length", {
    code: "written-length",
    file,
    found: `${size} bytes`,
    allowed: `${lengthBytes} bytes`,
    remedy: "Check the disk, then try again",
    retryable: true,
  });
}
