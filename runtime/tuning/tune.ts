import { median } from "../../core/median.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import { interrupted } from "../job/interrupted.ts";
import { makeTileBuffers, type Network, type TileShape } from "../job/network.ts";
import { networkBytesPerVoxel } from "../plan/memory-plan.ts";
import type { MeasuredRate } from "./measured-rates.ts";

const depths = [8, 16, 24, 32];
const sides = [128, 256];
const runs = 3;

export interface TuneTask {
  readonly model: ModelPackage;
  readonly network: Network;
  readonly threads: number;
  /** Memory that may be taken; larger tiles are left out. */
  readonly availableBytes: number;
  readonly signal: AbortSignal;
  readonly onRate: (rate: MeasuredRate) => void;
}

/** Runs tiles of several depths and sides, each once for nothing and then thrice; the median of the three is told. */
export async function tune(task: TuneTask): Promise<MeasuredRate[]> {
  const rates: MeasuredRate[] = [];
  for (const tile of tilesToTry(task)) {
    const buffers = makeTileBuffers(tile);
    await task.network.run(task.model, tile, buffers);
    const seconds: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      if (task.signal.aborted) throw interrupted();
      seconds.push(await task.network.run(task.model, tile, buffers));
    }
    const rate = { tile, voxels_per_s: elementCount(tile) / median(seconds), threads: task.threads };
    rates.push(rate);
    task.onRate(rate);
  }
  return rates;
}

/** Those that the network takes and memory holds, smallest first. */
function tilesToTry({ model, availableBytes }: TuneTask): TileShape[] {
  const { settings, zoo } = model;
  if (zoo !== undefined) return [[...settings.tile] as const];
  const bytesPerVoxel = networkBytesPerVoxel(settings.architecture);
  const squares = settings.fixed_height_width ?? undefined;
  const planes: readonly (readonly [number, number])[] =
    squares === undefined ? sides.map((side) => [side, side] as const) : [squares];
  return planes
    .flatMap(([height, width]) => depths.map((depth): TileShape => [depth, height, width]))
    .filter((tile) => elementCount(tile) * bytesPerVoxel <= availableBytes / 2)
    .sort((a, b) => elementCount(a) - elementCount(b));
}
