import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isEdgeError } from "../../core/errors.ts";
import { isCompanion } from "../../formats/image-name.ts";
import { describeImage } from "../words/describe-image.ts";

/** One acquisition among the files of a command line. */
export interface GivenAcquisition {
  /** The file that stands for it, as the person wrote it. */
  readonly input: string;
  /** How many of the given files belong to it. */
  readonly files: number;
  /** How many images its files declare; one of them is meant. */
  readonly seriesCount: number;
}

export interface GivenAcquisitions {
  readonly acquisitions: readonly GivenAcquisition[];
  readonly refused: readonly { readonly input: string; readonly error: unknown }[];
}

export interface LookOptions {
  readonly series: number;
  readonly signal: AbortSignal;
  readonly onFile?: (done: number, total: number) => void;
}

/**
 * Opens each file, and counts those of one set as one acquisition: a set is read whole from any of its files, and
 * doing it once for each would be the same work again. Nothing but structure is read. A file that is refused does not
 * stop the others.
 */
export async function givenAcquisitions(
  files: readonly string[],
  options: LookOptions,
): Promise<GivenAcquisitions> {
  const given = new Map(files.map((file) => [resolve(file), file]));
  const sets = new Map<string, FileSet>();
  const refused: { input: string; error: unknown }[] = [];
  const candidates = [...(await companionsBeside([...given.values()])), ...given.values()];
  for (const [index, input] of candidates.entries()) {
    options.signal.throwIfAborted();
    options.onFile?.(index, candidates.length);
    const path = resolve(input);
    const known = [...sets.values()].find(({ members }) => members.size > 1 && members.has(path));
    if (known !== undefined) {
      known.given.add(path);
      continue;
    }
    try {
      const {
        members: stated,
        seriesCount,
        describedBy,
      } = await describeImage(input, options.signal, options.series);
      const members = new Set(stated.map((member) => resolve(member)));
      // One file of a companion's set, given alone, is meant alone.
      if (!given.has(path) && [...members].filter((member) => given.has(member)).length < 2) continue;
      const key = [...members].sort().join("\0");
      const describer = describedBy === undefined ? undefined : resolve(dirname(input), describedBy);
      const set = sets.get(key) ?? { input, path, members, seriesCount, describer, given: new Set() };
      if (given.has(path)) set.given.add(path);
      sets.set(key, set);
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      if (given.has(path)) refused.push({ input, error });
    }
  }
  return { acquisitions: wholeSets([...sets.values()]), refused };
}

interface FileSet {
  readonly input: string;
  /** As `input`, absolute. */
  readonly path: string;
  /** Absolute. */
  readonly members: ReadonlySet<string>;
  readonly seriesCount: number;
  /** The file that describes the set of which this is a part, absolute. */
  readonly describer: string | undefined;
  /** Which of the given files it was found from, absolute. */
  readonly given: Set<string>;
}

/** A file may have been opened as what it is alone, before the one that describes its set. */
function wholeSets(sets: readonly FileSet[]): GivenAcquisition[] {
  const large = sets.filter(({ members }) => members.size > 1);
  const parts = new Set<FileSet>();
  for (const set of sets) {
    // A file of another image of the set is no member of this one.
    const whole =
      large.find(({ members }) => members.size > set.members.size && members.has(set.path)) ??
      sets.find(({ path }) => path === set.describer);
    if (whole === undefined) continue;
    parts.add(set);
    for (const path of set.given) whole.given.add(path);
  }
  return sets
    .filter((set) => !parts.has(set))
    .map(({ input, given, seriesCount }) => ({ input, files: given.size, seriesCount }));
}

/** Companion files beside the given ones, where there are several: `SET/*.tif` does not name them. */
async function companionsBeside(files: readonly string[]): Promise<string[]> {
  const namesIn = new Map<string, Set<string>>();
  for (const file of files) {
    const names = namesIn.get(dirname(file)) ?? new Set();
    namesIn.set(dirname(file), names.add(basename(file)));
  }
  const found: string[] = [];
  for (const [folder, given] of namesIn) {
    const names = given.size < 2 ? [] : await readdir(folder).catch(() => []);
    found.push(
      ...names.filter((name) => isCompanion(name) && !given.has(name)).map((name) => join(folder, name)),
    );
  }
  return found;
}
