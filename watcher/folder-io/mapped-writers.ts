import { type BigIntStats, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type FilesByInode, filesByInode, nameOf, processesIn } from "./open-writers.ts";

/** Memory that is written to a file (`s`: shared), as proc_pid_maps(5) has it: its device, its inode and its path. */
const sharedWritable = /^\S+ .w.s \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) +(\/.*)$/gm;

/**
 * The processes that have one of `files` mapped into their memory for writing, as "name (pid)": they may write to it without
 * a descriptor, and without a new time of change at each write. Of processes of other users nothing is known. Synchronous, as
 * `findOpenWriters`, and dearer: the memory of each process is told in hundreds of lines.
 */
export function findMappedWriters(files: readonly BigIntStats[], proc = "/proc"): readonly string[] {
  const byInode = filesByInode(files);
  return processesIn(proc).flatMap((pid) => {
    const folder = join(proc, pid);
    return isMappedBy(folder, byInode) ? nameOf(folder, pid) : [];
  });
}

function isMappedBy(folder: string, files: FilesByInode): boolean {
  let maps: string;
  try {
    maps = readFileSync(join(folder, "maps"), "latin1");
  } catch {
    // Another user's, or it has ended.
    return false;
  }
  for (const [, major = "", minor = "", inode = "", path = ""] of maps.matchAll(sharedWritable)) {
    const alike = files.get(BigInt(inode));
    if (alike === undefined) continue;
    const device = deviceNumber(BigInt(`0x${major}`), BigInt(`0x${minor}`));
    if (alike.some(({ dev }) => dev === device) || alike.some((file) => isAt(path, file))) return true;
  }
  return false;
}

/** As stat(2) has it (makedev(3)). */
function deviceNumber(major: bigint, minor: bigint): bigint {
  return ((major & 0xfffn) << 8n) | ((major & ~0xfffn) << 32n) | (minor & 0xffn) | ((minor & ~0xffn) << 12n);
}

/** Some file systems (btrfs, overlayfs) have another device number here than in stat(2). */
function isAt(path: string, { dev, ino }: BigIntStats): boolean {
  try {
    // In octal: a newline, or the backslash itself.
    const plain = path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const there = statSync(Buffer.from(plain, "latin1"), { bigint: true });
    return there.dev === dev && there.ino === ino;
  } catch {
    return false;
  }
}
