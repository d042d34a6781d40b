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

/** Those that the network takes and memory holds, smallest first. */
function tilesToTry({ model, availableBytes }: TuneTask): TileShape[] {
  const { settings, zoo } = model;
  const { fixed_shape, fixed_height_width } = settings;
  if (zoo !== undefined || fixed_shape !== undefined) return [fixed_shape ?? settings.tile];
  const bytesPerVoxel = networkBytesPerVoxel(settings.architecture);
  const planes =
    fixed_height_width === undefined ? sides.map((side) => [side, side] as const) : [fixed_height_width];
  return planes
    .flatMap(([height, width]) => depths.map((depth): TileShape => [depth, height, width]))
    .filter((tile) => elementCount(tile) * bytesPerVoxel <= availableBytes / 2)
    .sort((a, b) => elementCount(a) - elementCount(b));
}
