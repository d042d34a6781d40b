import { dirname, join } from "node:path";
import { planeCount, type Samples, sampleTypes } from "../../core/acquisition.ts";
import type { PlaneSource } from "../../formats/plane/plane-source.ts";

/**
 * Whether a file is complete as a file of its format. Its size proves nothing: a copy over SMB may show the full
 * size from the first byte, and acquisition programs reserve space and write it later.
 */

/** Opens one image of a file and follows its whole structure; throws `EdgeError` where it does not hold. */
export type OpenAcquisition = (path: string, series: number) => Promise<PlaneSource>;

export interface WholeFile {
  readonly seriesCount: number;
  /** All files of the set, absolute, sorted; one for most. */
  readonly members: readonly string[];
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

/** Opens every series of `path` and reads the last plane of each. Throws `EdgeError` where the file is not whole. */
export async function checkWhole(path: string, open: OpenAcquisition): Promise<WholeFile> {
  let seriesCount = 1;
  let sampleBytes = 0;
  let zeroTail = false;
  let describedBy: string | undefined;
  const members = new Set<string>();
  const voxels: number[] = [];
  for (let series = 0; series < seriesCount; series += 1) {
    const source = await open(path, series);
    try {
      const { sizes, sampleType, ...acquisition } = source.acquisition;
      seriesCount = acquisition.seriesCount;
      for (const member of acquisition.members) members.add(member);
      if (acquisition.describedBy !== undefined) describedBy = join(dirname(path), acquisition.describedBy);
      const seriesVoxels = planeCount(sizes) * sizes.y * sizes.x;
      voxels.push(seriesVoxels);
      sampleBytes += seriesVoxels * sampleTypes[sampleType].bytes;
      const last = await source.readPlane({ t: sizes.t - 1, c: sizes.c - 1, z: sizes.z - 1 });
      const tailRows = Math.max(1, Math.floor(sizes.y * tailShare));
      if (allZero(last, last.length - tailRows * sizes.x)) zeroTail = true;
    } finally {
      await source.close();
    }
  }
  return {
    seriesCount,
    members: [...members].sort(),
    ...(describedBy === undefined ? {} : { describedBy }),
    sampleBytes,
    voxels,
    zeroTail,
  };
}

function allZero(samples: Samples, from: number): boolean {
  for (let index = from; index < samples.length; index += 1) {
    if (samples[index] !== 0) return false;
  }
  return true;
}
