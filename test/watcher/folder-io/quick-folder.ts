import type { LeaseHolder } from "../../../watcher/folder-io/lease-file.ts";
import type { FolderMemory, FolderSettings } from "../../../watcher/folder-io/protocol.ts";

/** A daemon on a machine of its own. */
export function holderOf(name: string, change: Partial<LeaseHolder> = {}): LeaseHolder {
  return {
    token: `token of ${name}`,
    host: `host-${name}`,
    instance: name,
    since: "2026-11-26T14:03:00.000Z",
    daemon: `daemon ${name}`,
    machine: `machine ${name}`,
    pid: 1,
    ...change,
  };
}

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
    polling: false,
    holder: holderOf("one"),
  };
}

/** What a new ledger knows. */
export const noMemory: FolderMemory = {
  known: [],
  waiting: [],
  mountPoint: undefined,
  outputMountPoint: undefined,
};
