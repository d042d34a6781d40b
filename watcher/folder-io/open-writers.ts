import { type BigIntStats, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDenied } from "../../core/errors.ts";

/** Who holds a file open for writing, as far as this user may know. */
export interface OpenWriters {
  /** Processes that hold it open for writing, as "name (pid)". */
  readonly writers: readonly string[];
  /** Those of the files that are open for writing. */
  readonly files: ReadonlySet<BigIntStats>;
  /**
   * Processes whose open files this user may not see; undefined where it is not even known how many there are: without
   * /proc, where it hides the processes of others (`hidepid`, systemd's `ProtectProc`), and in a container, which does not show
   * those outside of it.
   */
  readonly unseen: number | undefined;
}

/** The lowest two bits of the flags of open(2): 1 is write only, 2 is read and write. */
const accessMode = 3;
/** The machine's own namespace of processes (PROC_PID_INIT_INO in linux/proc_ns.h). */
const wholeMachine = "pid:[4026531836]";

/**
 * Looks through the open files of all processes (proc(5)) for those in `files`. Synchronous: many small reads that
 * never touch a disk. A file is only asked for where its inode number is one that is looked for, so that a dead
 * share which some process has open does not hold us up.
 */
export function findOpenWriters(files: readonly BigIntStats[], proc = "/proc"): OpenWriters {
  const pids = processesIn(proc);
  const byInode = filesByInode(files);
  const writers: string[] = [];
  const open = new Set<BigIntStats>();
  let unseen = 0;
  for (const pid of pids) {
    const folder = join(proc, pid);
    const numbers = openNumbers(folder);
    if (numbers === undefined) unseen += 1;
    const written = (numbers ?? []).flatMap((number) => writtenBy(folder, number, byInode));
    if (written.length > 0) writers.push(nameOf(folder, pid));
    for (const file of written) open.add(file);
  }
  return { writers, files: open, unseen: showsAll(pids, proc) ? unseen : undefined };
}

/** Their numbers. */
export function processesIn(proc: string): string[] {
  try {
    return readdirSync(proc).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Whether `pids` are all processes of the machine. */
function showsAll(pids: readonly string[], proc: string): boolean {
  try {
    // The first process is another user's, so it is hidden where others are.
    return pids.includes("1") && readlinkSync(join(proc, "self/ns/pid")) === wholeMachine;
  } catch {
    return false;
  }
}

/** undefined where it may not be known. A process that has ended has nothing open. */
function openNumbers(folder: string): string[] | undefined {
  try {
    return readdirSync(join(folder, "fd"));
  } catch (error) {
    return isDenied(error) ? undefined : [];
  }
}

export type FilesByInode = ReadonlyMap<bigint, readonly BigIntStats[]>;

/** Two disks may have files of one inode number. */
export function filesByInode(files: readonly BigIntStats[]): FilesByInode {
  const byInode = new Map<bigint, BigIntStats[]>();
  for (const file of files) byInode.set(file.ino, [...(byInode.get(file.ino) ?? []), file]);
  return byInode;
}

function writtenBy(folder: string, number: string, files: FilesByInode): readonly BigIntStats[] {
  const link = join(folder, "fd", number);
  try {
    const target = readlinkSync(link);
    // Sockets, pipes and devices are most of what is open.
    if (!target.startsWith("/") || (target.startsWith("/dev/") && !target.startsWith("/dev/shm/"))) return [];
    const info = readFileSync(join(folder, "fdinfo", number), "latin1");
    const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(info)?.[1] ?? "0", 8);
    if ((flags & accessMode) === 0) return [];
    // Older kernels (before 5.14) do not tell the inode here.
    const inode = /^ino:\s*(\d+)/m.exec(info)?.[1];
    if (inode !== undefined && !files.has(BigInt(inode))) return [];
    const open = statSync(link, { bigint: true });
    return (files.get(open.ino) ?? []).filter(({ dev }) => dev === open.dev);
  } catch {
    // It was closed, or its process ended, while we looked.
    return [];
  }
}

/** "name (pid)"; `folder`: its folder of /proc. */
export function nameOf(folder: string, pid: string): string {
  try {
    return `${readFileSync(join(folder, "comm"), "utf8").trim()} (${pid})`;
  } catch {
    return `process ${pid}`;
  }
}
