import { freemem } from "node:os";
import type { Architecture, PackageSettings, ZooModel } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import { networkBytesPerVoxel } from "../../export/package/recommended-tile.ts";
import { type TilePlan, tileShapeOf } from "./tile-plan.ts";
import { assumedBytesPerVoxel } from "./zoo-tiles.ts";

/** Float32 planes that are being blended, one for each plane of samples. */
const blendedBytesPerVoxel = 4;

interface NeedOf {
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

/**
 * Bytes of the scores of every plane of a tile for every other, for each head: before and after the softmax, and once more
 * for what is in work. It counts where planes are small and there are thousands of them.
 */
function attentionBytes(depth: number, architecture: Architecture | undefined): number {
  if (architecture === undefined) return 0;
  return 3 * Float32Array.BYTES_PER_ELEMENT * architecture.n_head * depth ** 2;
}

/**
 * Memory that may be taken without pushing others out, in bytes; a container's limit counts. `heldBytes`: what this
 * process holds already and will use for it.
 */
export function availableBytes(heldBytes = 0): number {
  const constrained = process.constrainedMemory?.();
  const free = freemem() + heldBytes;
  return constrained !== undefined && constrained > 0 ? Math.min(free, constrained) : free;
}
