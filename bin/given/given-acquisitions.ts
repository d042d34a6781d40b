import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Acquisition } from "../../core/acquisition.ts";
import { type EdgeError, isEdgeError } from "../../core/errors.ts";
import { listed, namedFolder, namesIn, noImageIn } from "../../formats/files-of.ts";
import { givenEndings, isCompanion, isForeignText, isZarrName } from "../../formats/image-name.ts";
import type { FilePattern } from "../../formats/numbered/file-pattern.ts";
import { imageOf, openAcquisition, openFile, refusalOf } from "../../formats/open.ts";
import type { OpenedFile } from "../../formats/plane/plane-source.ts";
import { judgeName } from "../../watcher/intake/candidate-name.ts";

/** One acquisition among the files of a command line. */
export interface GivenAcquisition {
  /** The file that stands for it, as the person wrote it. */
  readonly input: string;
  /** The file after which its results are named: the first of those that a pattern joins, else `input`. */
  readonly first: string;
  /** How many of the given files belong to it. */
  readonly files: number;
  /** How many images its files declare. */
  readonly seriesCount: number;
  /** Those of them that are meant and can be read, from 0. */
  readonly series: readonly number[];
}

interface LookOptions {
  /** The image that is meant of each file; all where absent. */
  readonly series: number | undefined;
  readonly signal: AbortSignal;
  readonly pattern?: FilePattern;
  readonly onFile?: (done: number, total: number) => void;
}

/**
 * Opens each file, and counts those of one set as one acquisition: a set is read whole from any of its files, and
 * doing it once for each would be the same work again. Nothing but structure is read. A file that is refused does not
 * stop the others.
 */
export async function givenAcquisitions(files: readonly string[], options: LookOptions) {
  const given = new Map(files.map((file) => [resolve(file), file]));
  const found: Found[] = [];
  /** By absolute path: how many files the largest set has that names it. */
  const setSizes = new Map<string, number>();
  const refused: { readonly input: string; readonly error: unknown }[] = [];
  const candidates = [...(await companionsBeside([...given.values()])), ...given.values()];
  for (const [index, input] of candidates.entries()) {
    options.signal.throwIfAborted();
    options.onFile?.(index, candidates.length);
    const path = resolve(input);
    if ((setSizes.get(path) ?? 1) > 1) continue;
    let isMeant = given.has(path);
    try {
      const opened = await openFile(input, { signal: options.signal, pattern: options.pattern });
      const members = opened.files.map((member) => resolve(member));
      const named = members.filter((member) => given.has(member)).length;
      // One file of a companion's set, given alone, is meant alone.
      isMeant ||= named > 1;
      const noteSizes = (): void => {
        for (const member of members) {
          setSizes.set(member, Math.max(members.length, setSizes.get(member) ?? 0));
        }
      };
      // Of a set that is refused, its files are not done one by one.
      if (isMeant && isCompanion(input)) noteSizes();
      const images = await imagesMeant(opened, input, options.series);
      const first = opened.series.find((one) => "acquisition" in one)?.acquisition.file ?? input;
      if (!isMeant) continue;
      noteSizes();
      found.push({ input, first, files: named, ...images, path, setSize: members.length });
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      if (isMeant) refused.push({ input, error });
    }
  }
  // A file may have been opened as what it is alone, before the one that describes its set.
  const acquisitions = found.filter(({ path, setSize }) => setSize === setSizes.get(path));
  refused.push(...acquisitions.flatMap(({ input, refusals }) => refusals.map((error) => ({ input, error }))));
  return { acquisitions, refused };
}

interface Found extends GivenAcquisition {
  readonly refusals: readonly EdgeError[];
  readonly path: string;
  readonly setSize: number;
}

/** The images of a file that are meant, and why others of them cannot be read. Throws `EdgeError` where none can. */
async function imagesMeant(
  opened: OpenedFile,
  input: string,
  series: number | undefined,
): Promise<Pick<Found, "seriesCount" | "series" | "refusals">> {
  const seriesCount = opened.series.length;
  const none = refusalOf(opened);
  if (series !== undefined || none !== undefined) {
    const image = await imageOf(opened, input, series ?? 0);
    await image.close();
    return { seriesCount, series: [image.acquisition.series], refusals: [] };
  }
  await opened.close();
  return {
    seriesCount,
    series: opened.series.flatMap((one, index) => ("refusal" in one ? [] : [index])),
    refusals: opened.series.flatMap((one) => ("refusal" in one ? [one.refusal] : [])),
  };
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

/**
 * What the paths of a command line stand for: files, and folders that are acquisitions, as they are; other folders (not what is below them) as
 * the images in them; results of ours are none.
 */
export async function givenFiles(paths: readonly string[]) {
  /** As a person would name them: a file as given, of a folder its images in natural order. */
  const files: string[] = [];
  const refused: { readonly input: string; readonly error: EdgeError }[] = [];
  /** What a person should know: files of a folder that are passed over. */
  const notes: string[] = [];
  for (const path of paths) {
    try {
      const names = await namesIn(path);
      const isImage = (name: string): boolean => judgeName(name).kind === "image" || isZarrName(name);
      const images = names?.filter((name) => isImage(name) && !isForeignText(name, names)) ?? [];
      const foreign = names?.filter((name) => judgeName(name).kind === "unsupported") ?? [];
      if (names !== undefined && images.length === 0) throw noImageIn(path, foreign, givenEndings);
      if (foreign.length > 0) notes.push(`${path}: not read: ${listed(foreign)}. Export OME-TIFF`);
      files.push(...(names === undefined ? [namedFolder(path)] : images.map((name) => join(path, name))));
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      refused.push({ input: path, error });
    }
  }
  return { files, refused, notes };
}

/** What one image of a file is, once its whole structure is checked. Throws `EdgeError` where it cannot be read. */
export async function lookAtImage(file: string, signal: AbortSignal, series = 0): Promise<Acquisition> {
  const source = await openAcquisition(file, { series, signal });
  await source.close();
  return source.acquisition;
}
