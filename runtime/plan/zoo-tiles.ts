import { type AxisSizes, largestFitting, smallestFitting } from "../../core/operators.ts";
import type { PackageSettings, ZooModel } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import type { TileShape } from "../job/network.ts";
import { fittedPlan, type Overlap, type StackShape, type TilePlan, tileRefused } from "./tile-plan.ts";

/** Bytes that a network of which we know nothing is assumed to take for each voxel: a U-Net of 64 channels. */
export const assumedBytesPerVoxel = 2048;

/**
 * The tiles of a stack for a network of the zoo: of lengths that it takes, fitted to the stack, its halo never used
 * where a neighbour computes the same. Throws `EdgeError` (`usage`) for a tile that it does not take.
 */
export function zooPlan(wishes: {
  readonly stack: StackShape;
  readonly zoo: ZooModel;
  readonly settings: PackageSettings;
  readonly tile?: TileShape | undefined;
  readonly overlap?: Overlap | undefined;
  /** Tiles that hold more are not made, but where the network takes no smaller ones. */
  readonly largestVoxels: number;
}): TilePlan {
  const { stack, zoo, settings } = wishes;
  if (wishes.tile !== undefined) refuseOtherSizes(wishes.tile, zoo);
  const largest = wishes.tile ?? affordable(settings.tile, zoo.sizes, wishes.largestVoxels);
  const overlap = wishes.overlap ?? settings.overlap;
  const tile = [0, 1, 2].map((k) => {
    const [sizes, length, most] = [zoo.sizes[k], stack[k], largest[k]];
    if (sizes === undefined || length === undefined || most === undefined) return 1;
    return wishes.tile === undefined ? evenTile(length, most, overlap[k] ?? 0, sizes) : most;
  });
  const [depth = 1, height = 1, width = 1] = tile;
  const shared = (k: 0 | 1 | 2): number => sharedOf(overlap[k], tile[k] ?? 1, zoo.halo[k]);
  // A tile that is hardly larger than its halos cannot leave them out wholly.
  const halo = (k: 0 | 1 | 2): number => Math.max(0, Math.min(zoo.halo[k], Math.floor((shared(k) - 1) / 2)));
  return fittedPlan(
    stack,
    [depth, height, width],
    [shared(0), shared(1), shared(2)],
    [halo(0), halo(1), halo(2)],
  );
}

/** Halves the longest axis until the tile is small enough, or as small as the network allows. */
function affordable(recommended: TileShape, sizes: ZooModel["sizes"], largestVoxels: number): TileShape {
  let tile = [...recommended];
  for (;;) {
    if (elementCount(tile) <= largestVoxels) break;
    const smaller = tile.map((length, k) => largestFitting(sizes[k] ?? { min: length, step: 0 }, length / 2));
    const longest = tile.reduce((best, length, k) => {
      const shrinks = (smaller[k] ?? length) < length;
      return shrinks && (best === -1 || length > (tile[best] ?? 0)) ? k : best;
    }, -1);
    if (longest === -1) break;
    tile = tile.map((length, k) => (k === longest ? (smaller[k] ?? length) : length));
  }
  const [depth = 1, height = 1, width = 1] = tile;
  return [depth, height, width];
}

/** The smallest tile that covers the length with as few tiles as the largest does. */
function evenTile(length: number, largest: number, overlap: number, sizes: AxisSizes): number {
  if (length <= largest) return Math.min(smallestFitting(sizes, length), Math.max(largest, sizes.min));
  const shared = Math.min(overlap, largest - 1);
  const count = Math.ceil((length - shared) / (largest - shared));
  return Math.min(largest, smallestFitting(sizes, Math.ceil((length + (count - 1) * shared) / count)));
}

/** At least one element more than both halos, so that every element is some tile's inside; less than the tile. */
function sharedOf(overlap: number, tile: number, halo: number): number {
  return Math.min(Math.max(Math.min(overlap, Math.floor(tile / 2)), halo > 0 ? 2 * halo + 1 : 0), tile - 1);
}

function refuseOtherSizes(tile: TileShape, { sizes }: ZooModel): void {
  const taken = sizes.every((axis, k) => smallestFitting(axis, tile[k] ?? 0) === tile[k]);
  if (taken) return;
  const allowed = sizes.map(({ min, step }) => (step === 0 ? `${min}` : `${min} + n x ${step}`));
  throw tileRefused(tile, allowed.join(", "));
}
