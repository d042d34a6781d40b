/** Whether the kernel's events tell of all changes in a folder, by the file system that it lies on. */

export interface WatchMode {
  readonly events: boolean;
  readonly why: string;
}

/**
 * File systems whose changes other machines make, or the host of this one: inotify sees none of them (inotify(7),
 * "Limitations"). Magic numbers of statfs(2), from linux/magic.h and the table in GNU coreutils (src/stat.c).
 */
const remoteFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x517b, "SMB"],
  [0x65735546, "FUSE"],
  [0x01021997, "9P"],
  [0x00c36400, "Ceph"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x73757245, "Coda"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x19830326, "BeeGFS"],
  [0x01161970, "GFS2"],
  [0x7461636f, "OCFS2"],
  [0x61636673, "ACFS"],
  [0xaad7aaea, "PanFS"],
  [0xbeefdead, "StorNext"],
  [0x786f4256, "VirtualBox shared folders"],
  [0xbacbacbc, "VMware shared folders"],
  [0x7c7c6673, "Parallels shared folders"],
  [0x6a656a63, "virtiofs"],
]);

/** `type`: as statfs(2) tells it, also where a 32-bit system shows it as a negative number. Pure. */
export function watchModeOf(type: number): WatchMode {
  const name = remoteFileSystems.get(type >>> 0);
  return name === undefined
    ? { events: true, why: "a local file system" }
    : { events: false, why: `${name}: changes made by other machines send no events here` };
}

/** Of a folder of which a person says so. */
export const pollingAsConfigured: WatchMode = {
  events: false,
  why: "polling is configured: no events are counted on",
};
