import { dirname, join } from "node:path";
import { planeCount, type Samples, sampleTypes } from "../../core/acquisition.ts";
import type { OpenedFile } from "../../formats/plane/series-found.ts";

/**
 * Whether a file is complete as a file of its format. Its size proves nothing: a copy over SMB may show the full
 * size from the first byte, and acquisition programs reserve space and write it later.
 */

/** Opens a file for all its images and follows its whole structure; throws `EdgeError` where it does not hold. */
export type OpenFile = (path: string) => Promise<OpenedFile>;

export interface WholeFile {
  readonly seriesCount: number;
  /** All files of the set, absolute, first the one that stands for it; one for most. */
  readonly files: readonly string[];
  /** The file that describes the set of which this one is only a part, absolute. */
  readonly describedBy?: string;
  /** Bytes of the uncompressed samples of all series. */
  readonly sampleBytes: number;
  /** Voxels of each series. */
  readonly voxels: readonly number[];
  /** The last rows of the last plane hold only zeros: dark, or reserved and not yet written. */
  readonly zeroTail: boolean;
}

/** The rows at the end of the last plane that are looked at, as a share of it. */
const tailShare = 1 / 16;

/** Opens `path` and reads the last plane of each series. Throws `EdgeError` where the file is not whole. */
export async function checkWhole(path: string, open: OpenFile): Promise<WholeFile> {
  const { series: all, files, close } = await open(path);
  try {
    let sampleBytes = 0;
    let zeroTail = false;
    let describedBy: string | undefined;
    const voxels: number[] = [];
    for (const series of all) {
      if ("refusal" in series) throw series.refusal;
      const { sizes, sampleType, describedBy: describer } = series.acquisition;
      if (describer !== undefined) describedBy = join(dirname(path), describer);
      const seriesVoxels = planeCount(sizes) * sizes.y * sizes.x;
      voxels.push(seriesVoxels);
      sampleBytes += seriesVoxels * sampleTypes[sampleType].bytes;
      const last = await series.readPlane({ t: sizes.t - 1, c: sizes.c - 1, z: sizes.z - 1 });
      const tailRows = Math.max(1, Math.floor(sizes.y * tailShare));
      if (allZero(last, last.length - tailRows * sizes.x)) zeroTail = true;
    }
    return {
      seriesCount: all.length,
      files,
      ...(describedBy === undefined ? {} : { describedBy }),
      sampleBytes,
      voxels,
      zeroTail,
    };
  } finally {
    await close();
  }
}

function allZero(samples: Samples, from: number): boolean {
  for (let index = from; index < samples.length; index += 1) {
    if (samples[index] !== 0) return false;
  }
  return true;
}
