import type { Dirent, Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { machineError } from "../../core/errors.ts";
import { isAside, isHidden, judgeName, type NameVerdict } from "./candidate-name.ts";

/** A file that may be an acquisition, as one listing showed it. */
export interface Listed {
  /** Below the folder, with `/`. */
  readonly source: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly verdict: Exclude<NameVerdict, { kind: "ignored" }>;
}

export interface SweepOptions {
  readonly subfolders: boolean;
  readonly ignore: readonly string[];
  /** Absolute paths of folders that are never looked into: where results and moved sources go. */
  readonly excluded: readonly string[];
  /** Called with each folder in which a killed move may have left a source (absolute path). */
  readonly onAside?: (folder: string) => Promise<void>;
  /** Called after each step on the disk, so that somebody else can tell slow from hanging. */
  readonly onStep?: () => void;
}

const deepestLevel = 16;
/** More files than this in one watch folder are refused rather than held in memory. */
const mostFiles = 500_000;
/** Looks at the disk that go on at the same time: a share answers a few together faster than one by one. */
const looksAtOnce = 16;

/**
 * Lists `folder`. Symbolic links to folders are not followed (they may loop); links to files are. Throws what
 * the disk throws for `folder` itself; a subfolder that vanishes meanwhile is left out.
 */
export async function sweep(folder: string, options: SweepOptions): Promise<Listed[]> {
  const found: Listed[] = [];
  const pending = [{ path: folder, below: "", level: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, below, level } = next;
    const entries = await listOf(path, level);
    options.onStep?.();
    const names: { name: string; verdict: Listed["verdict"] }[] = [];
    for (const entry of entries) {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) {
        if (isAside(entry.name)) await options.onAside?.(inner);
        const enter = options.subfolders && level < deepestLevel && !isHidden(entry.name);
        if (enter && !options.excluded.includes(inner)) {
          pending.push({ path: inner, below: `${below}${entry.name}/`, level: level + 1 });
        }
        continue;
      }
      const verdict = judgeName(entry.name, options.ignore);
      if (verdict.kind !== "ignored") names.push({ name: entry.name, verdict });
    }
    for (let start = 0; start < names.length; start += looksAtOnce) {
      const batch = names.slice(start, start + looksAtOnce);
      const facts = await Promise.all(batch.map(({ name }) => statFile(join(path, name))));
      options.onStep?.();
      for (const [index, { name, verdict }] of batch.entries()) {
        const stats = facts[index];
        if (stats === undefined) continue;
        found.push({ source: `${below}${name}`, sizeBytes: stats.size, mtimeMs: stats.mtimeMs, verdict });
      }
    }
    if (found.length > mostFiles) throw tooManyFiles(folder);
  }
  return found;
}

async function listOf(path: string, level: number): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    // Only the watch folder itself must be there; what vanishes below it will not come back by failing.
    if (level > 0) return [];
    throw error;
  }
}

/** undefined for what vanished since it was listed, and for what is no file (a pipe would block its reader). */
async function statFile(path: string): Promise<Stats | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() === true ? stats : undefined;
}

function tooManyFiles(folder: string) {
  return machineError("the folder holds too many files", {
    code: "folder-too-large",
    file: folder,
    allowed: `at most ${mostFiles}`,
    remedy: "Move finished acquisitions elsewhere, or watch a subfolder",
  });
}
