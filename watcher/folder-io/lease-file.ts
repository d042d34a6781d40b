import { randomBytes } from "node:crypto";
import type { Dirent } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isAbsent, systemCode } from "../../core/errors.ts";

/**
 * The files by which daemons on several machines agree who works on a folder: `.cnnt-edge-lease/7`. The highest number holds the
 * folder, and who takes over makes the next one. Only `O_EXCL`, reading and writing in place are relied on, which SMB and NFS
 * keep; a file of an older number is never written again by others than its maker.
 */

export const leaseFolderName = ".cnnt-edge-lease";

/** A daemon that holds a folder. */
export interface LeaseHolder {
  /** Of one start of a daemon. */
  readonly token: string;
  readonly host: string;
  readonly instance: string;
  /** When it started, by its own clock (RFC 3339). */
  readonly since: string;
  /** The same at each start on this machine with this state folder, which only one daemon can use at a time. */
  readonly daemon: string;
  /** The machine's run and the table of processes in which `pid` counts; empty where the system does not tell. */
  readonly machine: string;
  readonly pid: number;
}

const holderSchema = z.object({
  token: z.string(),
  host: z.string(),
  instance: z.string(),
  since: z.string(),
  daemon: z.string(),
  machine: z.string(),
  pid: z.int().positive(),
});

export interface FoundLease {
  readonly generation: number;
  /** All that stands in it: with each renewal something else does. */
  readonly text: string;
  /** undefined where it is only being written, or is not ours. */
  readonly holder: LeaseHolder | undefined;
}

/**
 * What is more than this is no lease, whoever wrote it: every takeover makes one number more and takes more than a minute, and so
 * a folder does not come here in a thousand years.
 */
const mostGenerations = 999_999_999;

/** All that has the name of a lease in the folder of leases, ascending; none where there never was one. */
async function numbered(folder: string): Promise<{ generation: number; isFile: boolean }[]> {
  const entries = await readdir(join(folder, leaseFolderName), { withFileTypes: true }).catch(
    (error: unknown): Dirent[] => {
      if (isAbsent(error)) return [];
      throw error;
    },
  );
  return entries
    .filter(({ name }) => /^[1-9]\d{0,8}$/.test(name))
    .map((entry) => ({ generation: Number(entry.name), isFile: entry.isFile() }))
    .sort((a, b) => a.generation - b.generation);
}

/** The numbers of the leases in `folder`, ascending. What is no file, as a link or a folder, is no lease. */
async function generations(folder: string): Promise<number[]> {
  return (await numbered(folder)).filter(({ isFile }) => isFile).map(({ generation }) => generation);
}

/** The number of the lease after `newest`, the first that nothing else has; undefined where there is none. */
export async function nextGeneration(
  folder: string,
  newest: FoundLease | undefined,
): Promise<number | undefined> {
  // A lease that was made since then is not stepped over: making the same one fails.
  const others = (await numbered(folder)).filter(({ isFile }) => !isFile);
  const taken = new Set(others.map(({ generation }) => generation));
  let next = (newest?.generation ?? 0) + 1;
  while (taken.has(next)) next += 1;
  return next > mostGenerations ? undefined : next;
}

export const leaseFile = (folder: string, generation: number): string =>
  join(folder, leaseFolderName, String(generation));

/** A lease that is listed and not there so often in a row counts as one whose holder is not known. */
const mostLooks = 5;

/** The lease that counts; undefined where nobody holds the folder. */
export async function newestLease(folder: string): Promise<FoundLease | undefined> {
  for (let look = 1; ; look += 1) {
    const generation = (await generations(folder)).at(-1);
    if (generation === undefined) return undefined;
    const text = await textIn(leaseFile(folder, generation)).catch((error: unknown) => {
      if (isAbsent(error)) return undefined;
      throw error;
    });
    // It was given back, or another one took its place meanwhile.
    if (text === undefined && look < mostLooks) continue;
    return { generation, text: text ?? "", holder: holderIn(text ?? "") };
  }
}

/** Ours are shorter. */
const mostBytes = 4096;

async function textIn(file: string): Promise<string> {
  const handle = await open(file, "r");
  try {
    return await startOf(handle);
  } finally {
    await handle.close();
  }
}

async function startOf(handle: FileHandle): Promise<string> {
  const bytes = Buffer.alloc(mostBytes);
  const { bytesRead } = await handle.read(bytes, 0, mostBytes, 0);
  return bytes.toString("utf8", 0, bytesRead);
}

function holderIn(text: string): LeaseHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** As long for each renewal as for the first. */
const textOf = (holder: LeaseHolder): Buffer =>
  Buffer.from(`${JSON.stringify({ ...holder, renewal: randomBytes(8).toString("hex") })}\n`);

/** Makes the lease of this number, and removes those before it. False where another daemon made it first. */
export async function makeLease(folder: string, generation: number, holder: LeaseHolder): Promise<boolean> {
  await mkdir(join(folder, leaseFolderName)).catch((error: unknown) => {
    if (systemCode(error) !== "EEXIST") throw error;
  });
  const handle = await open(leaseFile(folder, generation), "wx").catch(async (error: unknown) => {
    if (systemCode(error) === "EEXIST") return undefined;
    // Its folder may have been removed with the last lease in it.
    if (isAbsent(error) && !(await isOtherThanFolder(join(folder, leaseFolderName)))) return undefined;
    throw error;
  });
  if (handle === undefined) return false;
  try {
    await handle.writeFile(textOf(holder));
  } finally {
    await handle.close();
  }
  for (const older of await generations(folder)) {
    if (older < generation) await unlink(leaseFile(folder, older)).catch(() => undefined);
  }
  return true;
}

/** Whether something stands there in which no lease can be made, as a file or a link to nowhere. */
async function isOtherThanFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (facts) => !facts.isDirectory(),
    () => false,
  );
}

/** Shows that the holder is alive. False where the lease is no longer its own. Throws where the disk does not take it. */
export async function renewLease(folder: string, generation: number, holder: LeaseHolder): Promise<boolean> {
  const handle = await open(leaseFile(folder, generation), "r+").catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
  if (handle === undefined) return false;
  try {
    const before = holderIn(await startOf(handle));
    if (before?.token !== holder.token) return false;
    await handle.write(textOf(holder), 0, undefined, 0);
  } finally {
    await handle.close();
  }
  // Whoever takes over makes the next one before anything else.
  return (await generations(folder)).at(-1) === generation;
}

/** Gives the folder back: the next daemon need not wait. */
export async function removeLease(folder: string, generation: number): Promise<void> {
  await unlink(leaseFile(folder, generation)).catch(() => undefined);
  // Not where another daemon has made its own meanwhile.
  await rmdir(join(folder, leaseFolderName)).catch(() => undefined);
}
