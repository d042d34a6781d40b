import { type BigIntStats, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDenied } from "../../core/errors.ts";

/** Who holds a file open for writing, as far as this user may know. */
export interface OpenWriters {
  /** Processes that hold it open for writing, as "name (pid)". */
  readonly writers: readonly string[];
  /** Processes whose open files this user may not see; undefined where the system tells of none (no /proc). */
  readonly unseen: number | undefined;
}

/** The lowest two bits of the flags of open(2): 1 is write only, 2 is read and write. */
const accessMode = 3;

/**
 * Looks through the open files of all processes (proc(5)) for those in `files`. Synchronous: many small reads that
 * never touch a disk. A file is only asked for where its inode number is one that is looked for, so that a dead
 * share which some process has open does not hold us up.
 */
export function findOpenWriters(files: readonly BigIntStats[], proc = "/proc"): OpenWriters {
  let pids: string[];
  try {
    pids = readdirSync(proc).filter((name) => /^\d+$/.test(name));
  } catch {
    return { writers: [], unseen: undefined };
  }
  if (pids.length === 0) return { writers: [], unseen: undefined };
  const writers: string[] = [];
  let unseen = 0;
  for (const pid of pids) {
    const folder = join(proc, pid);
    const numbers = openNumbers(folder);
    if (numbers === undefined) unseen += 1;
    else if (numbers.some((number) => writesTo(folder, number, files))) writers.push(nameOf(folder, pid));
  }
  return { writers, unseen };
}

/** undefined where it may not be known. A process that has ended has nothing open. */
function openNumbers(folder: string): string[] | undefined {
  try {
    return readdirSync(join(folder, "fd"));
  } catch (error) {
    return isDenied(error) ? undefined : [];
  }
}

function writesTo(folder: string, number: string, files: readonly BigIntStats[]): boolean {
  const link = join(folder, "fd", number);
  try {
    const target = readlinkSync(link);
    // Sockets, pipes and devices are most of what is open.
    if (!target.startsWith("/") || (target.startsWith("/dev/") && !target.startsWith("/dev/shm/")))
      return false;
    const info = readFileSync(join(folder, "fdinfo", number), "latin1");
    const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(info)?.[1] ?? "0", 8);
    if ((flags & accessMode) === 0) return false;
    // Older kernels (before 5.14) do not tell the inode here.
    const inode = /^ino:\s*(\d+)/m.exec(info)?.[1];
    if (inode !== undefined && !files.some(({ ino }) => ino === BigInt(inode))) return false;
    const open = statSync(link, { bigint: true });
    return files.some(({ dev, ino }) => dev === open.dev && ino === open.ino);
  } catch {
    // It was closed, or its process ended, while we looked.
    return false;
  }
}

function nameOf(folder: string, pid: string): string {
  try {
    return `${readFileSync(join(folder, "comm"), "utf8").trim()} (${pid})`;
  } catch {
    return `process ${pid}`;
  }
}
