import { median } from "../../core/median.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import { networkBytesPerVoxel } from "../../export/package/recommended-tile.ts";
import { interrupted } from "../job/interrupted.ts";
import { makeTileBuffers, type Network, type TileShape } from "../job/network.ts";
import { chooseTiles } from "../plan/choose-tile.ts";
import { redundancy, type StackShape } from "../plan/tile-plan.ts";

const depths = [8, 16, 24, 32];
const sides = [128, 192, 256];
const runs = 3;

/** How fast a tile went through the network here, and what that means for a stack. */
export interface TunedTile {
  readonly tile: TileShape;
  /** Voxels of input through the network per second, median of three. */
  readonly voxelsPerS: number;
  /** Voxels of the stack per second: some are computed more than once. */
  readonly deliveredPerS: number;
}

export interface TuneTask {
  readonly model: ModelPackage;
  readonly network: Network;
  /** Of the stacks that are to be denoised. */
  readonly stack: StackShape;
  /** Memory that may be taken; larger tiles are left out. */
  readonly availableBytes: number;
  readonly signal: AbortSignal;
  readonly onTile: (tuned: TunedTile) => void;
}

/** Runs tiles of several depths and sides, each once for nothing and then thrice; the fastest for the stack comes first. */
export async function tune(task: TuneTask): Promise<TunedTile[]> {
  const { model, network, stack } = task;
  const tuned: TunedTile[] = [];
  for (const tile of tilesToTry(task)) {
    const buffers = makeTileBuffers(tile);
    await network.run(model, tile, buffers);
    const seconds: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      if (task.signal.aborted) throw interrupted();
      seconds.push(await network.run(model, tile, buffers));
    }
    const voxelsPerS = elementCount(tile) / median(seconds);
    const plan = chooseTiles({ stack, settings: model.settings, zoo: model.zoo, tile, bytesPerSample: 2 });
    const one = { tile, voxelsPerS, deliveredPerS: voxelsPerS / redundancy(plan) };
    tuned.push(one);
    task.onTile(one);
  }
  return tuned.sort((a, b) => b.deliveredPerS - a.deliveredPerS);
}

/** The package's own tile, and others that the network takes, the stack fills and memory holds; smallest first. */
function tilesToTry({ model, stack, availableBytes }: TuneTask): TileShape[] {
  const { settings, zoo } = model;
  const { fixed_shape, fixed_height_width, spatial_multiple: multiple } = settings;
  if (zoo !== undefined || fixed_shape !== undefined) return [fixed_shape ?? settings.tile];
  const filled = (length: number, axis: 1 | 2): number =>
    Math.min(length, Math.ceil(stack[axis] / multiple) * multiple);
  const planes = fixed_height_width ? [fixed_height_width] : sides.map((side) => [side, side] as const);
  const tiles = planes
    .flatMap(([height, width]) => depths.map((depth) => [depth, height, width] as const))
    .concat([settings.tile])
    .map(([depth, height, width]): TileShape => {
      const plane = fixed_height_width ?? [filled(height, 1), filled(width, 2)];
      return [Math.min(depth, stack[0]), ...plane];
    });
  const bytesPerVoxel = networkBytesPerVoxel(settings.architecture);
  return [...new Map(tiles.map((tile) => [tile.join(), tile])).values()]
    .filter((tile) => elementCount(tile) * bytesPerVoxel <= availableBytes / 2)
    .sort((a, b) => elementCount(a) - elementCount(b));
}
