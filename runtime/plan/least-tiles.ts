import { elementCount } from "../../core/tensor.ts";
import type { TileShape } from "../job/network.ts";
import type { Overlap, StackShape } from "./tile-plan.ts";

/** Fewer planes than this in a tile and the result moves more than deeper tiles do anyway (bench/RESULTS.md). */
const leastDepth = 8;

/** Neighbours share at most this part of a tile's height or width. */
const sharedPart = 1 / 4;

/** More planes in one tile than a network has seen in training gain nothing, and its attention grows with their square. */
const mostDepth = 32;

/** A tile's sides are no shorter than this part of the recommended ones: the network sees less around each voxel then. */
const shortestSide = 3 / 4;

export interface TileBudget {
  readonly stack: StackShape;
  /** The package's: its voxels are what a tile may hold, its sides about what they should be at least. */
  readonly recommended: TileShape;
  /** That a tile may hold, if fewer. */
  readonly mostVoxels: number;
  /** What neighbours share, where the tile is large enough. */
  readonly overlap: Overlap;
  /** Of height and width. */
  readonly multiple: number;
}

/** The lengths of tiles along one axis, how many there are, and what they share. */
interface Cut {
  readonly count: number;
  readonly tile: number;
  readonly shared: number;
}

/**
 * Of all tilings whose tiles hold so many voxels: the one with which least is computed, and of equal ones the deepest.
 * Tiles are of one size that covers the stack in the fewest. They have at least eight planes (or as many as the recommended ones), where the stack has them, and sides
 * that are not much shorter than the recommended ones; only where few voxels are allowed they are smaller. Pure.
 */
export function leastTiles({ stack, recommended, mostVoxels, overlap, multiple }: TileBudget): {
  readonly tile: TileShape;
  readonly overlap: Overlap;
} {
  const voxels = Math.min(mostVoxels, elementCount(recommended));
  const least = leastSide(recommended, voxels, multiple);
  let best: { readonly cuts: readonly [Cut, Cut, Cut]; readonly cost: number } | undefined;
  const leastPlanes = Math.min(leastDepth, recommended[0]);
  for (const depth of depthCuts(stack[0], overlap[0], leastPlanes, Math.floor(voxels / multiple ** 2))) {
    const area = Math.max(multiple ** 2, Math.floor(voxels / depth.tile));
    for (let count = 1; count <= Math.max(1, Math.ceil(stack[1] / least)); count += 1) {
      const height = sideCut(stack[1], count, least, overlap[1], multiple);
      const widest = Math.floor(area / height.tile / multiple) * multiple;
      if (widest < Math.min(least, roundUp(stack[2], multiple))) continue;
      const width = widestCut(stack[2], widest, least, overlap[2], multiple);
      const cuts = [depth, height, width] as const;
      const cost = cuts.reduce((product, cut) => product * cut.count * cut.tile, 1);
      if (best === undefined || cost < best.cost) best = { cuts, cost };
    }
  }
  const [depth, height, width] = best?.cuts ?? [1, multiple, multiple].map(alone);
  return {
    tile: [depth.tile, height.tile, width.tile],
    overlap: [depth.shared, height.shared, width.shared],
  };
}

function leastSide([depth, ...sides]: TileShape, voxels: number, multiple: number): number {
  const side = shortestSide * Math.min(...sides);
  // Of a tile of eight planes that holds so few voxels, somewhat less than a square's.
  const ofFew = shortestSide * Math.sqrt(voxels / Math.min(depth, leastDepth));
  return Math.max(multiple, Math.floor(Math.min(side, ofFew) / multiple) * multiple);
}

function alone(tile: number): Cut {
  return { count: 1, tile, shared: 0 };
}

/** From the whole depth down to chunks of `leastPlanes`; shallower ones only where `mostPlanes` allows no other. */
function depthCuts(length: number, overlap: number, leastPlanes: number, mostPlanes: number): Cut[] {
  const most = Math.min(mostPlanes, mostDepth);
  const least = Math.max(1, Math.min(length, leastPlanes, most));
  const shared = Math.min(overlap, least - 1);
  const cuts: Cut[] = [];
  for (let count = Math.ceil(length / mostDepth); ; count += 1) {
    const tile = Math.max(least, evenTile(length, count, shared, 1));
    if (tile <= most || tile === least) cuts.push(cutOf(length, tile, shared));
    if (tile === least) return cuts;
  }
}

/** A side in at most `count` tiles, not shorter than `least`. */
function sideCut(length: number, count: number, least: number, overlap: number, multiple: number): Cut {
  if (count === 1) return alone(roundUp(length, multiple));
  const shared = Math.min(overlap, Math.floor((sharedPart * length) / count));
  return cutOf(length, Math.max(least, evenTile(length, count, shared, multiple)), shared);
}

/** A side in the fewest tiles that are no longer than `longest`, and not shorter than `least`. */
function widestCut(length: number, longest: number, least: number, overlap: number, multiple: number): Cut {
  if (length <= longest) return alone(roundUp(length, multiple));
  const shared = Math.min(overlap, Math.floor(sharedPart * longest));
  const count = Math.ceil((length - shared) / (longest - shared));
  const even = evenTile(length, count, shared, multiple);
  return cutOf(length, Math.min(longest, Math.max(least, even)), shared);
}

function cutOf(length: number, tile: number, shared: number): Cut {
  if (length <= tile) return alone(tile);
  return { count: Math.ceil((length - shared) / (tile - shared)), tile, shared };
}

/** The shortest with which so many tiles cover the length. */
function evenTile(length: number, count: number, shared: number, multiple: number): number {
  return roundUp(Math.ceil((length + (count - 1) * shared) / count), multiple);
}

/** The smallest multiple that is no shorter. */
export function roundUp(length: number, multiple: number): number {
  return Math.ceil(length / multiple) * multiple;
}
