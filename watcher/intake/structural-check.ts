import { dirname, join } from "node:path";
import { planeCount, type Samples, sampleTypes } from "../../core/acquisition.ts";
import { type EdgeError, isEdgeError } from "../../core/errors.ts";
import { type Reading, takeStep } from "../../formats/file/reading.ts";
import type { OpenedFile } from "../../formats/plane/plane-source.ts";

/**
 * Whether a file is complete as a file of its format. Its size proves nothing: a copy over SMB may show the full
 * size from the first byte, and acquisition programs reserve space and write it later.
 */

/** Opens a file for all its images and follows its whole structure; throws `EdgeError` where it does not hold. */
export type OpenFile = (path: string, reading: Reading) => Promise<OpenedFile>;

/** What the structure of a file says of it. */
export interface CheckedFile {
  /** All files of its set, absolute, first the one that stands for it; one for most. */
  readonly files: readonly string[];
  /** The file that describes the set of which this one is only a part, absolute. */
  readonly describedBy?: string;
  /** `refusal`: why it is not whole. */
  readonly found: FoundWhole | { readonly refusal: EdgeError };
}

export interface WholeFacts {
  /** Bytes of the uncompressed samples of all series. */
  readonly sampleBytes: number;
  /** Voxels of each series; 0 for one of a kind that is not read. */
  readonly voxels: readonly number[];
}

export interface FoundWhole {
  readonly facts: WholeFacts;
  /** The last rows of the last plane hold only zeros: dark, or reserved and not yet written. */
  readonly zeroTail: boolean;
}

/** The rows at the end of the last plane that are looked at, as a share of it. */
const tailShare = 1 / 16;

/** Opens `path` once and reads the last plane of each series. Throws `EdgeError` where the file is refused before its set is known. */
export async function checkStructure(path: string, open: OpenFile, reading: Reading): Promise<CheckedFile> {
  const opened = await open(path, reading);
  try {
    const { files, series } = opened;
    const [first] = series;
    const describer =
      first !== undefined && "acquisition" in first ? first.acquisition.describedBy : undefined;
    return {
      files,
      ...(describer !== undefined && { describedBy: join(dirname(path), describer) }),
      found: await findWhole(series, reading),
    };
  } finally {
    await opened.close();
  }
}

async function findWhole(all: OpenedFile["series"], reading: Reading): Promise<CheckedFile["found"]> {
  const refusal = refusalOfAll(all);
  if (refusal !== undefined) return { refusal };
  let sampleBytes = 0;
  let zeroTail = false;
  const voxels: number[] = [];
  for (const series of all) {
    if ("refusal" in series) {
      voxels.push(0);
      continue;
    }
    takeStep(reading);
    const { sizes, sampleType } = series.acquisition;
    const seriesVoxels = planeCount(sizes) * sizes.y * sizes.x;
    voxels.push(seriesVoxels);
    sampleBytes += seriesVoxels * sampleTypes[sampleType].bytes;
    try {
      const last = await series.readPlane({ t: sizes.t - 1, c: sizes.c - 1, z: sizes.z - 1 });
      const tailRows = Math.max(1, Math.floor(sizes.y * tailShare));
      if (allZero(last, last.length - tailRows * sizes.x)) zeroTail = true;
    } catch (error) {
      if (isEdgeError(error)) return { refusal: error };
      throw error;
    }
  }
  return { facts: { sampleBytes, voxels }, zeroTail };
}

/**
 * Why a file is not whole. An image of a kind that is not read is no reason where others can be read: its own job
 * fails with its refusal.
 */
function refusalOfAll(all: OpenedFile["series"]): EdgeError | undefined {
  const refusals = all.flatMap((series) => ("refusal" in series ? [series.refusal] : []));
  const broken = refusals.find(({ kind }) => kind !== "unsupported");
  return broken ?? (refusals.length === all.length ? refusals[0] : undefined);
}

function allZero(samples: Samples, from: number): boolean {
  for (let index = from; index < samples.length; index += 1) {
    if (samples[index] !== 0) return false;
  }
  return true;
}
