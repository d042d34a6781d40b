import { type EdgeError, formatError, isEdgeError, unsupportedError } from "../../core/errors.ts";
import type { Reading, ReadLimits } from "../file/reading.ts";
import { type JoinedFacts, joinFiles } from "../numbered/join-files.ts";
import type { NumberedGrid } from "../numbered/numbered-set.ts";
import type { OpenedFile } from "../plane/plane-source.ts";
import { openedTiff, type SeriesOrRefusal } from "../tiff/series.ts";

/** One image of a set whose description is a file of its own. */
export interface DescribedImage {
  readonly grid: NumberedGrid;
  /** Names of those of its files that are missing. */
  readonly missing: readonly string[];
  /** Why it is not read, whatever its files hold. */
  readonly refusal?: EdgeError | undefined;
  readonly facts: JoinedFacts;
}

/** How many missing names a sentence lists. */
const listedNames = 3;

/** Opens all images of a set, `describer` first. No file is opened where one is missing. */
export async function openDescribed(
  describer: string,
  images: readonly DescribedImage[],
  limits: ReadLimits,
  reading: Reading,
): Promise<OpenedFile> {
  const files = [...new Set([describer, ...images.flatMap(({ grid }) => grid.files)])];
  if (files.length > limits.maxMembers + 1)
    throw tooManyFiles(describer, files.length - 1, limits.maxMembers);
  const missing = images.flatMap((image) => image.missing);
  const all: SeriesOrRefusal[] = [];
  for (const { grid, facts, refusal } of images) {
    try {
      if (refusal !== undefined) throw refusal;
      if (missing.length > 0) throw incomplete(describer, missing);
      all.push({ ...(await joinFiles(grid, facts, limits, reading)), file: describer });
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      all.push(error);
    }
  }
  return openedTiff({ all, files }, limits);
}

function incomplete(file: string, missing: readonly string[]): EdgeError {
  const names = missing.slice(0, listedNames).map((name) => `no ${JSON.stringify(name)}`);
  const more = missing.length - names.length;
  return formatError("the set is incomplete: files that its description counts are missing", {
    code: "set-incomplete",
    file,
    found: [...names, ...(more > 0 ? [`${more} more of them missing`] : [])].join(", "),
    remedy: "Copy the missing files into the same folder",
    retryable: true,
  });
}

export function countedTwice(file: string, found: string): EdgeError {
  return formatError("two files of the set are the same one by their names", {
    code: "set-file-twice",
    file,
    found,
    remedy: "Remove one of them, or rename it",
    retryable: true,
  });
}

export function tooManyFiles(file: string, found: number, most: number): EdgeError {
  return unsupportedError("the set has more files than are allowed", {
    code: "set-size",
    file,
    found: String(found),
    allowed: String(most),
    remedy: "Split the acquisition",
  });
}
