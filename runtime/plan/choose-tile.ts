import { type EdgeError, machineError, usageError } from "../../core/errors.ts";
import type { PackageSettings, ZooModel } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import type { TileShape } from "../job/network.ts";
import { attentionBytes, networkBytesPerVoxel } from "./memory-plan.ts";
import {
  fittedPlan,
  type Overlap,
  publishedPlan,
  redundancy,
  type StackShape,
  type TilePlan,
  tileShapeOf,
} from "./tile-plan.ts";
import { assumedBytesPerVoxel, zooPlan } from "./zoo-tiles.ts";

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
  /** Planes in a chunk where there are several chunks, as measured to be the fastest; else the package's depth. */
  readonly chunkDepth?: number | undefined;
}

/** What a stack in one piece may take of the memory; the rest is for what else runs. */
const wholeShare = 0.8;

/** A tile's own share of the memory where there are several; the rest is for slabs and for what else runs. */
const networkShare = 0.5;

/** Float32 planes that are being blended, one for each plane of samples. */
const blendedBytesPerVoxel = 4;

/** Fewer planes than this in a tile and the result moves more than depth chunks do anyway (bench/RESULTS.md). */
const leastChunkDepth = 8;

/** What cut planes share at most, in pixels: more brings them no nearer either (bench/RESULTS.md). */
const planeOverlap = 32;

/** Of the overlap of cut planes: what lies so near a tile's edge saw the padding, and does not count. */
const leftOutShare = 1 / 4;

/** Deeper tiles denoise better: they may compute this much more than those with which least is computed twice. */
const deeperIsWorth = 1.05;

/**
 * What chunks of so many planes share, in planes: the least with which phantoms are no more than 2 % steeper at their
 * borders (bench/RESULTS.md). Chunks of eight are at 3 % with two, and do not gain by more.
 */
export function chunkOverlap(depth: number): number {
  return depth < 12 ? 2 : 4;
}

/**
 * The tiles of a stack. With a tile or an overlap asked for, the published tiling with exactly these. Otherwise, for
 * networks whose norms and attention see the tile: the stack in one piece where memory holds it, because nothing else
 * has no seams; else chunks of whole planes, of the package's depth or less; else tiles of the depth, height and width
 * that memory affords and with which least is computed twice. Networks of which we know nothing keep the package's tile.
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
  if (settings.fixed_shape !== undefined) {
    const plan = fittedPlan(stack, settings.fixed_shape, halfAtMost(settings.overlap, settings.fixed_shape));
    refuseTooMuchMemory(plan, wishes);
    return plan;
  }
  const whole = wholePlan(wishes);
  if (whole !== undefined && memoryNeed(whole, wishes) <= wholeShare * wishes.availableBytes) return whole;
  const chunkDepth = settings.fixed_height_width === undefined ? wishes.chunkDepth : undefined;
  for (let depth = Math.min(chunkDepth ?? settings.tile[0], stack[0]); ; depth = Math.ceil(depth / 2)) {
    const plan = fittedTo(wishes, depth);
    if (depth === 1 || memoryNeed(plan, wishes) <= wishes.availableBytes) {
      refuseTooMuchMemory(plan, wishes);
      return plan;
    }
  }
}

/** The stack in one piece, for the networks that gain by it. */
function wholePlan({ stack, settings }: TileWishes): TilePlan | undefined {
  if (settings.architecture === undefined || settings.fixed_height_width !== undefined) return undefined;
  const [height, width] = wholePlane(stack, settings);
  return fittedPlan(stack, [stack[0], height, width], [0, 0, 0]);
}

function fittedTo(wishes: TileWishes, depth: number): TilePlan {
  const { stack, settings, availableBytes } = wishes;
  const overlap: Overlap = [
    Math.min(settings.overlap[0], depth - 1),
    settings.overlap[1],
    settings.overlap[2],
  ];
  if (settings.fixed_height_width !== undefined) {
    const [height, width] = settings.fixed_height_width;
    return fittedPlan(stack, [Math.min(stack[0], depth), height, width], withinTile(overlap, height, width));
  }
  const affordable = (networkShare * availableBytes) / networkBytesPerVoxel(settings.architecture);
  const largestVoxels =
    settings.architecture === undefined ? Math.min(affordable, elementCount(settings.tile)) : affordable;
  const [wholeHeight, wholeWidth] = wholePlane(stack, settings);
  const planes = Math.min(depth, Math.floor(largestVoxels / (wholeHeight * wholeWidth)));
  if (planes >= Math.min(leastChunkDepth, depth)) {
    // Not fitted to the depth but in steps, so that memory that is now free decides the result as rarely as possible.
    const chunk = planes > leastChunkDepth && planes < depth ? planes - (planes % leastChunkDepth) : planes;
    const shared = Math.min(chunkOverlap(chunk), overlap[0], chunk - 1);
    return fittedPlan(stack, [Math.min(stack[0], chunk), wholeHeight, wholeWidth], [shared, 0, 0]);
  }
  return cutPlanesPlan(wishes, depth, largestVoxels);
}

/**
 * Tiles cut from planes, of `depth` planes or fewer, but not fewer than a chunk has: of the depths whose tiles memory
 * holds, the largest with which little more is computed twice than with the best.
 */
function cutPlanesPlan(wishes: TileWishes, depth: number, largestVoxels: number): TilePlan {
  const least = Math.min(depth, leastChunkDepth);
  const shallowest = cutPlanes(wishes, least, largestVoxels);
  const deeper = Array.from({ length: depth - least }, (_, k) =>
    cutPlanes(wishes, least + 1 + k, largestVoxels),
  );
  const held = deeper.filter((plan) => memoryNeed(plan, wishes) <= wishes.availableBytes);
  const best = Math.min(...[shallowest, ...held].map(redundancy));
  return held.findLast((plan) => redundancy(plan) <= best * deeperIsWorth) ?? shallowest;
}

/** Of this depth, square as long as the planes are longer; the shorter side leaves the longer one what it does not need. */
function cutPlanes({ stack, settings }: TileWishes, depth: number, largestVoxels: number): TilePlan {
  const multiple = settings.spatial_multiple;
  // Of a network of which we know nothing only its package knows what its tiles must share.
  const [depthOverlap, most, part, leftOut] =
    settings.architecture === undefined
      ? [settings.overlap[0], Number.POSITIVE_INFINITY, 2, 0]
      : [chunkOverlap(depth), planeOverlap, 4, leftOutShare];
  const shared = (side: number, axis: 1 | 2): number =>
    Math.min(settings.overlap[axis], most, Math.floor(side / part));
  const fitted = (axis: 1 | 2, pixels: number): number => {
    const largest = Math.max(multiple, Math.floor(pixels / multiple) * multiple);
    return evenTile(stack[axis], largest, shared(largest, axis), multiple);
  };
  const [short, long]: [1 | 2, 1 | 2] = stack[1] <= stack[2] ? [1, 2] : [2, 1];
  const tile: [number, number, number] = [depth, 0, 0];
  tile[short] = fitted(short, Math.sqrt(largestVoxels / depth));
  tile[long] = fitted(long, largestVoxels / depth / tile[short]);
  const overlap: Overlap = [Math.min(depthOverlap, depth - 1), shared(tile[1], 1), shared(tile[2], 2)];
  const halo: Overlap = [0, Math.floor(leftOut * overlap[1]), Math.floor(leftOut * overlap[2])];
  return fittedPlan(stack, tile, overlap, halo);
}

function wholePlane(
  stack: StackShape,
  { spatial_multiple }: PackageSettings,
): [height: number, width: number] {
  return [roundUp(stack[1], spatial_multiple), roundUp(stack[2], spatial_multiple)];
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

function halfAtMost([depth, ...plane]: Overlap, [planes, height, width]: TileShape): Overlap {
  return withinTile([Math.min(depth, Math.floor(planes / 2)), ...plane], height, width);
}

function roundUp(length: number, multiple: number): number {
  return Math.ceil(length / multiple) * multiple;
}

/** Bytes taken at the peak: two slabs of samples and output, one tile in the network, and its planes' attention. */
export function memoryNeed(
  plan: TilePlan,
  { settings, zoo, bytesPerSample }: Pick<TileWishes, "settings" | "zoo" | "bytesPerSample">,
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
  const shape = settings.fixed_shape;
  if (shape?.some((length, axis) => length !== tile[axis])) {
    throw tileRefused(tile, `${shape.join(",")}, to which its graph is fixed (export --static)`);
  }
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
