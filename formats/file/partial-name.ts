import { createHash, randomBytes } from "node:crypto";
import { readdir, stat, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { systemCode } from "../../core/errors.ts";
import { clippedToBytes, nameLimits } from "./name-limit.ts";

/**
 * Names of files in the making: `.cnnt-edge-<host>-<pid>-<random>-<target>.partial` beside the target. The dot
 * hides them; host and process tell later whether anybody still writes there.
 */

const pattern = /^\.cnnt-edge-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}-.*\.partial$/s;

/** After this long without a write nobody is writing any more, whatever the process table says (seconds). */
const abandonedAfterS = 7 * 24 * 3600;

/** Partials of this very process. A restarted container may have its predecessor's pid, so the pid is not enough. */
const ours = new Set<string>();

/** Short and free of characters that a host name may have and a file name should not. */
function hostTag(): string {
  return createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
}

/** A new name beside `target`, remembered as in use until `forgetPartial`. */
export function claimPartial(target: string): string {
  const head = `.cnnt-edge-${hostTag()}-${process.pid}-${randomBytes(4).toString("hex")}-`;
  const tail = ".partial";
  const room = nameLimits.smallest - head.length - tail.length;
  const path = join(dirname(target), `${head}${clippedToBytes(basename(target), room)}${tail}`);
  ours.add(path);
  return path;
}

export function forgetPartial(path: string): void {
  ours.delete(path);
}

/**
 * Removes what a killed process left in `folder`, and nothing else: our prefix, and a writer that is gone. Returns
 * the names removed. A folder that cannot be listed has nothing to remove: who writes there gets the error.
 */
export async function removeStalePartials(folder: string, nowMs: number = Date.now()): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const removed: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    if (!pattern.test(name) || !(await isStale(path, name, nowMs))) continue;
    const gone = await unlink(path).then(
      () => true,
      () => false,
    );
    if (gone) removed.push(name);
  }
  return removed;
}

async function isStale(path: string, name: string, nowMs: number): Promise<boolean> {
  if (ours.has(path)) return false;
  const [, host, pid] = pattern.exec(name) ?? [];
  if (host === hostTag() && (Number(pid) === process.pid || !isRunning(Number(pid)))) return true;
  const facts = await stat(path).catch(() => undefined);
  return facts !== undefined && nowMs - facts.mtimeMs > abandonedAfterS * 1000;
}

/** Whether a process of this machine has that number. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Any answer but "no such process" (for example EPERM) means that it runs.
    return systemCode(error) !== "ESRCH";
  }
}
