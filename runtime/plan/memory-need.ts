import type { PackageSettings, ZooModel } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import { networkBytesPerVoxel } from "../../export/package/recommended-tile.ts";
import { attentionBytes } from "./memory-plan.ts";
import { type TilePlan, tileShapeOf } from "./tile-plan.ts";
import { assumedBytesPerVoxel } from "./zoo-tiles.ts";

/** Float32 planes that are being blended, one for each plane of samples. */
const blendedBytesPerVoxel = 4;

/** Bytes taken at the peak, estimated: two slabs of samples and output, one tile in the network, and its planes' attention. */
export function memoryNeed(
  plan: TilePlan,
  {
    settings,
    zoo,
    bytesPerSample,
  }: {
    readonly settings: PackageSettings;
    readonly zoo?: ZooModel | undefined;
    readonly bytesPerSample: number;
  },
): number {
  const [depths, heights, widths] = plan.axes;
  const slabPlanes = Math.min(2 * depths.tile - depths.overlap, depths.length);
  const slabBytes = slabPlanes * heights.length * widths.length * (bytesPerSample + blendedBytesPerVoxel);
  return (
    slabBytes +
    elementCount(tileShapeOf(plan)) *
      (zoo === undefined ? networkBytesPerVoxel(settings.architecture) : assumedBytesPerVoxel) +
    attentionBytes(depths.tile, settings.architecture)
  );
}

export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
