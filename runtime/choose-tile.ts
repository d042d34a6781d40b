import { type EdgeError, machineError, usageError } from "../core/errors.ts";
import type { PackageSettings, ZooModel } from "../core/package-settings.ts";
import { networkBytesPerVoxel } from "./memory-plan.ts";
import type { TileShape } from "./network.ts";
import { fittedPlan, type Overlap, publishedPlan, type StackShape, type TilePlan } from "./tile-plan.ts";
import { assumedBytesPerVoxel, zooPlan } from "./zoo/zoo-tiles.ts";

export interface TileWishes {
  readonly stack: StackShape;
  readonly settings: PackageSettings;
  /** Present for a network that is no CNNT of ours. */
  readonly zoo?: ZooModel | undefined;
  /** As asked for on the command line or in the configuration. */
  readonly tile?: TileShape | undefined;
  readonly overlap?: Overlap | undefined;
  /** Of the source's samples. */
  readonly bytesPerSample: number;
  /** Memory that may be taken. */
  readonly availableBytes: number;
}

/** A tile's own share of the memory that may be taken; the rest is for slabs and for what else runs. */
const networkShare = 0.5;

/** Float32 planes that are being blended, one for each plane of samples. */
const blendedBytesPerVoxel = 4;

/**
 * The tiles of a stack. With a tile or an overlap asked for, the published tiling with exactly these. Otherwise the
 * package's tile, fitted to the stack: an axis shorter than the tile is one tile, and height and width grow at equal
 * voxels (single planes: as far as memory goes) where the stack is shallow, because what the network computes in one
 * piece has no seams.
 * Throws `EdgeError`: `usage` when the network cannot take such tiles, `machine` when memory cannot hold one slab.
 */
export function chooseTiles(wishes: TileWishes): TilePlan {
  const { settings, stack, zoo } = wishes;
  if (zoo !== undefined) {
    const largestVoxels = (networkShare * wishes.availableBytes) / assumedBytesPerVoxel;
    const plan = zooPlan({ ...wishes, zoo, largestVoxels });
    refuseTooMuchMemory(plan, wishes);
    return plan;
  }
  if (wishes.tile !== undefined || wishes.overlap !== undefined) {
    const tile = wishes.tile ?? settings.tile;
    refuseTileOfOtherSize(tile, settings);
    const plan = publishedPlan(stack, tile, wishes.overlap ?? settings.overlap);
    refuseTooMuchMemory(plan, wishes);
    return plan;
  }
  for (let depth = Math.min(settings.tile[0], stack[0]); ; depth = Math.ceil(depth / 2)) {
    const plan = fittedTo(wishes, depth);
    if (depth === 1 || memoryNeed(plan, wishes) <= wishes.availableBytes) {
      refuseTooMuchMemory(plan, wishes);
      return plan;
    }
  }
}

function fittedTo({ stack, settings, availableBytes }: TileWishes, depth: number): TilePlan {
  const [, recommendedHeight, recommendedWidth] = settings.tile;
  const overlap: Overlap = [
    Math.min(settings.overlap[0], depth - 1),
    settings.overlap[1],
    settings.overlap[2],
  ];
  if (settings.fixed_height_width !== undefined) {
    const [height, width] = settings.fixed_height_width;
    return fittedPlan(stack, [depth, height, width], withinTile(overlap, height, width));
  }
  const multiple = settings.spatial_multiple;
  const wholeHeight = roundUp(stack[1], multiple);
  const wholeWidth = roundUp(stack[2], multiple);
  const equalVoxels = (settings.tile[0] * recommendedHeight * recommendedWidth) / depth;
  const affordableVoxels =
    (networkShare * availableBytes) / networkBytesPerVoxel(settings.architecture) / depth;
  const planeVoxels =
    depth === 1 && stack[0] === 1 ? affordableVoxels : Math.min(equalVoxels, affordableVoxels);
  if (wholeHeight * wholeWidth <= planeVoxels) {
    return fittedPlan(
      stack,
      [evenTile(stack[0], depth, overlap[0], 1), wholeHeight, wholeWidth],
      [overlap[0], 0, 0],
    );
  }
  const side = Math.sqrt(Math.min(planeVoxels, equalVoxels));
  const largest = Math.max(multiple, Math.floor(side / multiple) * multiple);
  const shared = withinTile(overlap, largest, largest);
  const height = evenTile(stack[1], largest, shared[1], multiple);
  const width = evenTile(stack[2], largest, shared[2], multiple);
  return fittedPlan(
    stack,
    [evenTile(stack[0], depth, overlap[0], 1), height, width],
    withinTile(overlap, height, width),
  );
}

/**
 * The smallest tile that covers the length with as few tiles as the largest does: nothing is computed twice but the
 * overlaps.
 */
function evenTile(length: number, largest: number, overlap: number, multiple: number): number {
  if (length <= largest) return roundUp(length, multiple);
  const count = Math.ceil((length - overlap) / (largest - overlap));
  return Math.min(largest, roundUp(Math.ceil((length + (count - 1) * overlap) / count), multiple));
}

/** The recommended overlap, but no more than half of a tile that memory made small. */
function withinTile([depth, ...plane]: Overlap, height: number, width: number): Overlap {
  return [depth, Math.min(plane[0], Math.floor(height / 2)), Math.min(plane[1], Math.floor(width / 2))];
}

function roundUp(length: number, multiple: number): number {
  return Math.ceil(length / multiple) * multiple;
}

/** Bytes taken at the peak: two slabs of samples and output, and one tile in the network. */
export function memoryNeed(
  { axes: [depths, heights, widths] }: TilePlan,
  { settings, zoo, bytesPerSample }: Pick<TileWishes, "settings" | "zoo" | "bytesPerSample">,
): number {
  const slabPlanes = Math.min(2 * depths.tile - depths.overlap, depths.length);
  const slabBytes = slabPlanes * heights.length * widths.length * (bytesPerSample + blendedBytesPerVoxel);
  const tileVoxels = depths.tile * heights.tile * widths.tile;
  return (
    slabBytes +
    tileVoxels * (zoo === undefined ? networkBytesPerVoxel(settings.architecture) : assumedBytesPerVoxel)
  );
}

function refuseTooMuchMemory(plan: TilePlan, wishes: TileWishes): void {
  const need = memoryNeed(plan, wishes);
  if (need <= wishes.availableBytes) return;
  throw machineError("memory is too small for these tiles", {
    code: "memory-short",
    found: `${gigabytes(wishes.availableBytes)} free`,
    allowed: `at least ${gigabytes(need)} for tiles of ${plan.axes.map((axis) => axis.tile).join(",")}`,
    remedy: "Choose a smaller --tile, or free memory on this machine",
  });
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function refuseTileOfOtherSize(tile: TileShape, settings: PackageSettings): void {
  const fixed = settings.fixed_height_width;
  if (fixed !== undefined && (tile[1] !== fixed[0] || tile[2] !== fixed[1])) {
    throw tileRefused(
      tile,
      `height,width ${fixed.join(",")}, those of training (its norm has weights per pixel)`,
    );
  }
  const multiple = settings.spatial_multiple;
  if (tile[1] % multiple !== 0 || tile[2] % multiple !== 0) {
    throw tileRefused(tile, `height and width that are multiples of ${multiple}`);
  }
}

function tileRefused(tile: TileShape, allowed: string): EdgeError {
  return usageError("the network cannot take tiles of this size", {
    code: "tile-size",
    found: `tile ${tile.join(",")}`,
    allowed,
    remedy: "Choose another --tile, or leave it out",
  });
}
