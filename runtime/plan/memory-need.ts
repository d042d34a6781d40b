import type { PackageSettings, ZooModel } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import { networkBytesPerVoxel } from "../../export/package/recommended-tile.ts";
import { attentionBytes } from "./memory-plan.ts";
import { type TilePlan, tileShapeOf } from "./tile-plan.ts";
import { assumedBytesPerVoxel } from "./zoo-tiles.ts";

/** Float32 planes that are being blended, one for each plane of samples. */
const blendedBytesPerVoxel = 4;

export interface NeedOf {
  readonly settings: PackageSettings;
  readonly zoo?: ZooModel | undefined;
  readonly bytesPerSample: number;
}

/** Bytes taken at the peak, estimated. */
export function memoryNeed(plan: TilePlan, of: NeedOf): number {
  return planesNeed(plan, of) + tileNeed(plan, of);
}

/** Two slabs of samples and output: in the machine's memory, wherever the network runs. */
export function planesNeed(plan: TilePlan, { bytesPerSample }: NeedOf): number {
  const [depths, heights, widths] = plan.axes;
  const slabPlanes = Math.min(2 * depths.tile - depths.overlap, depths.length);
  return slabPlanes * heights.length * widths.length * (bytesPerSample + blendedBytesPerVoxel);
}

/** One tile in the network, and its planes' attention: in the memory of the device that runs the network. */
export function tileNeed(plan: TilePlan, { settings, zoo }: NeedOf): number {
  const tile = tileShapeOf(plan);
  const bytesPerVoxel =
    zoo === undefined ? networkBytesPerVoxel(settings.architecture) : assumedBytesPerVoxel;
  return elementCount(tile) * bytesPerVoxel + attentionBytes(tile[0], settings.architecture);
}

export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
