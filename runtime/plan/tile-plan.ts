import { type EdgeError, usageError } from "../../core/errors.ts";
import type { TileShape } from "../job/network.ts";

/** What neighbouring tiles share along depth, height and width, in pixels. */
export type Overlap = readonly [depth: number, height: number, width: number];

/** Lengths of a stack: depth, height, width. */
export type StackShape = readonly [depth: number, height: number, width: number];

/** One tile's place along one axis. */
export interface Span {
  /** Its first element; before 0 or beyond the end the axis continues by symmetric padding. */
  readonly start: number;
  /** How much of each element comes from this tile; over all spans they sum to 1 at each element of the axis. */
  readonly shares: Float32Array;
}

/** The tiles along one axis, by rising start. */
export interface AxisPlan {
  readonly length: number;
  readonly tile: number;
  readonly overlap: number;
  readonly spans: readonly Span[];
}

/** The tiles of a stack: every combination of the three axes' spans, depth slowest. */
export interface TilePlan {
  /** `published`: padded by whole steps as in the published code; `fitted`: tiles inside the stack. */
  readonly kind: "published" | "fitted";
  readonly axes: readonly [depth: AxisPlan, height: AxisPlan, width: AxisPlan];
}

/**
 * The published tiling, exactly: each axis is padded by the overlap before and by `step - length % step` after (a
 * whole step where it divides), step = tile - overlap. Source: CNNT_Microscopy, running_inference.py.
 * Throws `EdgeError` (`usage`) where the overlap leaves no step.
 */
export function publishedPlan(stack: StackShape, tile: TileShape, overlap: Overlap): TilePlan {
  refuseWideOverlap(tile, overlap);
  const axis = (k: 0 | 1 | 2): AxisPlan => {
    const step = tile[k] - overlap[k];
    const count = Math.floor(stack[k] / step) + 1;
    const starts = Array.from({ length: count }, (_, i) => i * step - overlap[k]);
    const window = rampWeights(tile[k], overlap[k], overlap[k]);
    return axisPlan(stack[k], tile[k], overlap[k], starts, Array(count).fill(window));
  };
  return { kind: "published", axes: [axis(0), axis(1), axis(2)] };
}

/**
 * Tiles that stay inside the stack: the fewest whose neighbours share at least `overlap`, spread evenly, with ramps
 * only where there is a neighbour. An axis that fits into one tile has one, and is padded only to the tile's length.
 * A `halo` of a tile's output is not used where there is a neighbour; the overlap must be more than two of it.
 */
export function fittedPlan(
  stack: StackShape,
  tile: TileShape,
  overlap: Overlap,
  halo: Overlap = [0, 0, 0],
): TilePlan {
  refuseWideOverlap(tile, overlap);
  const axis = (k: 0 | 1 | 2): AxisPlan => {
    const [length, size] = [stack[k], tile[k]];
    if (length <= size) return axisPlan(length, size, 0, [0], [rampWeights(size, 0, 0)]);
    const count = Math.ceil((length - overlap[k]) / (size - overlap[k]));
    const starts = Array.from({ length: count }, (_, i) => Math.round((i * (length - size)) / (count - 1)));
    const shared = (i: number): number => {
      const [before, after] = [starts[i], starts[i + 1]];
      return before === undefined || after === undefined ? 0 : before + size - after;
    };
    const windowOf = eachOnce((before: number, after: number) => rampWeights(size, before, after, halo[k]));
    const windows = starts.map((_, i) => windowOf(shared(i - 1), shared(i)));
    return axisPlan(length, size, overlap[k], starts, windows);
  };
  return { kind: "fitted", axes: [axis(0), axis(1), axis(2)] };
}

/** Remembers what a function made: tiles share with their neighbours one of a few lengths. */
function eachOnce<T>(make: (before: number, after: number) => T): (before: number, after: number) => T {
  const made = new Map<string, T>();
  return (before, after) => {
    const key = `${before} ${after}`;
    const one = made.get(key) ?? make(before, after);
    made.set(key, one);
    return one;
  };
}

function axisPlan(
  length: number,
  tile: number,
  overlap: number,
  starts: readonly number[],
  windows: readonly Float64Array[],
): AxisPlan {
  const shares = sharesOf(length, tile, starts, windows);
  const spans = starts.map((start, k) => ({ start, shares: shares[k] ?? new Float32Array(tile) }));
  return { length, tile, overlap, spans };
}

function refuseWideOverlap(tile: TileShape, overlap: Overlap): void {
  if (overlap.every((shared, k) => shared < (tile[k] ?? 0))) return;
  throw usageError("the overlap is as large as the tile, or larger", {
    code: "overlap-too-wide",
    found: `overlap ${overlap.join(",")}`,
    allowed: `less than the tile, ${tile.join(",")}, on each axis`,
    remedy: "Choose a smaller --overlap or a larger --tile",
  });
}

/** `allowed`: what the network takes, in words. */
export function tileRefused(tile: TileShape, allowed: string): EdgeError {
  return usageError("the network cannot take tiles of this size", {
    code: "tile-size",
    found: `tile ${tile.join(",")}`,
    allowed,
    remedy: "Choose another --tile, or leave it out",
  });
}

export function tileShapeOf({ axes }: TilePlan): TileShape {
  return [axes[0].tile, axes[1].tile, axes[2].tile];
}

export function overlapOf({ axes }: TilePlan): Overlap {
  return [axes[0].overlap, axes[1].overlap, axes[2].overlap];
}

export function tileCount({ axes }: TilePlan): number {
  return axes.reduce((count, axis) => count * axis.spans.length, 1);
}

/** Voxels that the network computes for each one that is delivered. */
export function redundancy(plan: TilePlan): number {
  return plan.axes.reduce((product, axis) => (product * axis.spans.length * axis.tile) / axis.length, 1);
}

/** `redundancy` in words: where tiles overlap, and beyond the edge of the stack, the network works more than once. */
export function computedWords(plan: TilePlan): string {
  const share = redundancy(plan);
  return share < 1.005
    ? "each voxel is computed once"
    : `each voxel is computed ${share.toFixed(2)} times on average (tiles overlap or are padded)`;
}

/**
 * Window weights along one axis of a tile: ramps 1/n, 2/n, … n/n rise over the `before` elements shared with the
 * neighbour before and fall likewise over `after`; where both ramps meet they multiply. Source: the published tiled
 * inference (CNNT_Microscopy, running_inference.py), whose window is the product of this over the three axes.
 * With a `halo`, the outermost elements that are shared weigh nothing, and the ramp lies between the two tiles' halos.
 */
export function rampWeights(tile: number, before: number, after: number, halo = 0): Float64Array {
  const weights = new Float64Array(tile).fill(1);
  for (let i = 0; i < Math.min(before, tile); i += 1) {
    weights[i] = (weights[i] ?? 0) * rampAt(i, before, halo);
  }
  for (let i = 0; i < Math.min(after, tile); i += 1) {
    const at = tile - 1 - i;
    weights[at] = (weights[at] ?? 0) * rampAt(i, after, halo);
  }
  return weights;
}

function rampAt(i: number, shared: number, halo: number): number {
  return Math.min(Math.max((i + 1 - halo) / (shared - 2 * halo), 0), 1);
}

/**
 * The same weights divided by their sum over all tiles at each element of the axis, so that what they blend needs no
 * division afterwards. The tiles form a grid and their window is a product over the axes; so is the sum of windows,
 * and dividing per axis is dividing per voxel. Elements outside `[0, length)` weigh nothing.
 */
function sharesOf(
  length: number,
  tile: number,
  starts: readonly number[],
  weights: readonly Float64Array[],
): Float32Array[] {
  const sums = new Float64Array(length);
  for (const [k, start] of starts.entries()) {
    const window = weights[k] ?? new Float64Array(tile);
    for (let i = Math.max(0, -start); i < tile && start + i < length; i += 1) {
      sums[start + i] = (sums[start + i] ?? 0) + (window[i] ?? 0);
    }
  }
  // Tiles within an axis mostly have the same shares: of a hundred thousand tiles, few arrays are kept.
  let last = new Float32Array();
  return starts.map((start, k) => {
    const shares = Float32Array.from(weights[k] ?? [], (weight, i) => {
      const sum = sums[start + i];
      return sum === undefined ? 0 : weight / sum;
    });
    const same = shares.length === last.length && shares.every((share, i) => share === last[i]);
    if (!same) last = shares;
    return last;
  });
}
