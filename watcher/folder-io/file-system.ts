import { statfs } from "node:fs/promises";
import type { WatchMode } from "./protocol.ts";

/**
 * File systems whose changes other machines make: inotify sees none of them (inotify(7), "Limitations"). Magic
 * numbers of statfs(2), linux/magic.h.
 */
const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x517b, "SMB"],
  [0x65735546, "FUSE"],
  [0x01021997, "9P"],
  [0x00c36400, "Ceph"],
  [0x5346414f, "AFS"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x19830326, "FhGFS"],
]);

export interface FileSystemFacts {
  readonly mode: WatchMode;
  /** For this user; Infinity where the file system does not know. */
  readonly freeBytes: number;
  /** How many more files and folders it can hold (free inodes); Infinity where the file system has no such limit. */
  readonly freeFiles: number;
}

/** How `folder` is to be watched and how much room its disk has. */
export async function lookAtFileSystem(folder: string): Promise<FileSystemFacts> {
  const facts = await statfs(folder);
  const network = networkFileSystems.get(facts.type >>> 0);
  return {
    mode:
      network === undefined
        ? { events: true, why: "a local file system" }
        : { events: false, why: `${network}: changes made by other machines send no events here` },
    freeBytes: facts.blocks === 0 ? Number.POSITIVE_INFINITY : facts.bavail * facts.bsize,
    freeFiles: facts.files === 0 ? Number.POSITIVE_INFINITY : facts.ffree,
  };
}
