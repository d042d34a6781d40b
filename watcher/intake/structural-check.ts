import { dirname, join } from "node:path";
import { type Acquisition, isAllZero, planeCount, sampleTypes } from "../../core/acquisition.ts";
import { type EdgeError, formatError, isEdgeError } from "../../core/errors.ts";
import { type Reading, takeStep } from "../../formats/file/reading.ts";
import type { OpenOptions } from "../../formats/open.ts";
import type { OpenedFile, PlaneReader } from "../../formats/plane/plane-source.ts";
import { planeAt } from "../../formats/plane/stored-axes.ts";

/**
 * Whether a file is complete as a file of its format. Its size proves nothing: a copy over SMB may show the full
 * size from the first byte, and acquisition programs reserve space and write it later.
 */

/** Opens a file for all its images and follows its whole structure; throws `EdgeError` where it does not hold. */
export type OpenFile = (path: string, options: OpenOptions) => Promise<OpenedFile>;

/** What the structure of a file says of it. */
export type CheckedFile =
  | {
      /** All files of its set, absolute, first the one that stands for it; one for most. */
      readonly files: readonly string[];
      /** `refusal`: why it is not whole. */
      readonly found: FoundWhole | { readonly refusal: EdgeError };
    }
  | {
      /** The file that describes the set of which this one is only a part, absolute. It is read with its set. */
      readonly describedBy: string;
    };

export interface WholeFacts {
  /** Bytes of the uncompressed samples of all series. */
  readonly sampleBytes: number;
  /** Voxels of each series; 0 for one of a kind that is not read. */
  readonly voxels: readonly number[];
}

/**
 * How it is known how many planes a file has: it states so itself (`stated`); or it has several pages that nothing counts
 * (`counted`), or one (`single`), and more may follow.
 */
export type PlanesKnown = "stated" | "counted" | "single";

export interface FoundWhole {
  readonly facts: WholeFacts;
  /** The last rows of the last plane, or whole planes among others, hold only zeros: dark, or reserved and not yet written. */
  readonly zeros: boolean;
  readonly planes: PlanesKnown;
}

/** The rows at the end of the last plane that are looked at, as a share of it. */
const tailShare = 1 / 16;
/** So many planes of each image are looked at, evenly spread, the first and the last among them. */
const planesLookedAt = 8;

/** Opens `path` once and reads some planes of each series. Throws `EdgeError` where the file is refused before its set is known. */
export async function checkStructure(
  path: string,
  open: OpenFile,
  reading: OpenOptions,
): Promise<CheckedFile> {
  const opened = await open(path, reading);
  try {
    const { files, series } = opened;
    const [first] = series;
    const describer =
      first !== undefined && "acquisition" in first ? first.acquisition.describedBy : undefined;
    if (describer !== undefined) return { describedBy: join(dirname(path), describer) };
    return { files, found: await findWhole(series, reading) };
  } finally {
    await opened.close();
  }
}

async function findWhole(
  all: OpenedFile["series"],
  reading: Reading,
): Promise<FoundWhole | { refusal: EdgeError }> {
  const refusal = refusalOfAll(all);
  if (refusal !== undefined) return { refusal };
  let sampleBytes = 0;
  let zeros = false;
  let planes: PlanesKnown = "stated";
  const voxels: number[] = [];
  for (const series of all) {
    if ("refusal" in series) {
      voxels.push(0);
      continue;
    }
    takeStep(reading);
    const { sizes, sampleType } = series.acquisition;
    if (planes === "stated") planes = planesKnown(series.acquisition);
    const seriesVoxels = planeCount(sizes) * sizes.y * sizes.x;
    voxels.push(seriesVoxels);
    sampleBytes += seriesVoxels * sampleTypes[sampleType].bytes;
    try {
      if (await hasUnwritten(series, reading)) zeros = true;
    } catch (error) {
      if (isEdgeError(error)) return { refusal: error };
      throw error;
    }
  }
  return { facts: { sampleBytes, voxels }, zeros, planes };
}

/** A MetaMorph stack may be one of several files, and the one that names them may come last. */
function planesKnown({ make, axes, sizes }: Pick<Acquisition, "make" | "axes" | "sizes">): PlanesKnown {
  if (make === "OME-TIFF" || make === "Leica LIF" || make === "NumPy") return "stated";
  if (planeCount(sizes) === 1) return "single";
  // Pages that nothing counts have the axis I.
  return make === "MetaMorph STK" || axes.includes("I") ? "counted" : "stated";
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

/** Whether its last rows hold only zeros, or whole planes while others do not. */
async function hasUnwritten(series: PlaneReader, reading: Reading): Promise<boolean> {
  const { sizes } = series.acquisition;
  const count = planeCount(sizes);
  const order = { letters: "TCZ", lengths: [sizes.t, sizes.c, sizes.z] };
  const looks = Math.min(count, planesLookedAt);
  const into = sampleTypes[series.acquisition.sampleType].make(sizes.y * sizes.x);
  let zeroPlanes = 0;
  for (let look = 0; look < looks; look += 1) {
    takeStep(reading);
    const place = looks === 1 ? 0 : Math.round((look * (count - 1)) / (looks - 1));
    await series.readPlane(planeAt(order, place), { into });
    if (isAllZero(into)) zeroPlanes += 1;
  }
  // The last look was at the last plane.
  const tailRows = Math.max(1, Math.floor(sizes.y * tailShare));
  const tail = into.subarray(into.length - tailRows * sizes.x);
  return isAllZero(tail) || (zeroPlanes > 0 && zeroPlanes < looks);
}

export function zeroTailed(file: string) {
  return formatError(
    "its last rows, or whole planes among others, hold only zeros; the space may be reserved and not yet written",
    {
      code: "file-zero-tail",
      file,
      remedy: "Wait; a really dark image is taken after settle.zero_tail_s without a change",
    },
  );
}
