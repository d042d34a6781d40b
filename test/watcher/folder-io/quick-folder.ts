import type { FolderMemory, FolderSettings } from "../../../watcher/folder-io/protocol.ts";

/** A folder whose files are at rest after two looks and a tenth of a second. */
export function quickFolder(path: string, output: string, sweepMs: number): FolderSettings {
  return {
    path,
    output,
    moveTo: undefined,
    access: {},
    makePath: false,
    subfolders: true,
    ignore: [],
    quietMs: 100,
    looks: 2,
    zeroTailMs: 60_000,
    brokenMs: 60_000,
    setQuietMs: 60_000,
    pattern: undefined,
    sweepMs,
    early: false,
  };
}

/** What a new ledger knows. */
export const noMemory: FolderMemory = {
  known: [],
  waiting: [],
  mountPoint: undefined,
  outputMountPoint: undefined,
};
