import { elementCount } from "../../core/tensor.ts";
import type { TileShape } from "../job/network.ts";
import type { JobPlan } from "../plan/plan-job.ts";
import { tileCount, tileShapeOf } from "../plan/tile-plan.ts";
import type { KnownSpeed } from "./progress-meter.ts";

/** What a tile will take, by what this machine's network took so far in this process. */
export interface TileRates {
  /** `model`: its hash; `basis`: what the seconds rest on, in words. Undefined where nothing was measured of it. */
  readonly expect: (
    model: string,
    shape: TileShape,
  ) => { readonly seconds: number; readonly basis: string } | undefined;
  readonly learn: (model: string, shape: TileShape, seconds: number) => void;
}

/**
 * The first run of a large shape takes up to 1.5 times as long as the next ones (it takes its memory, a GPU searches
 * algorithms): the middle.
 */
const firstRun = 1.25;
/** A process that lives for months sees stacks of many shapes. */
const mostShapes = 64;

/** `warmUp`: what was measured before any tile, and of which model. Remembers; otherwise pure. */
export function createTileRates(
  warmUp: { readonly model: string; readonly voxelsPerS: number } | undefined,
): TileRates {
  /** Seconds of the newest run, by model and shape; the newest last. */
  const known = new Map<string, { model: string; voxels: number; seconds: number }>();
  const keyOf = (model: string, shape: TileShape): string => `${model} ${shape.join(",")}`;

  return {
    expect(model, shape) {
      const same = known.get(keyOf(model, shape));
      if (same !== undefined) return { seconds: same.seconds, basis: "the last tile of this shape" };
      const voxels = elementCount(shape);
      const [nearest] = [...known.values()]
        .filter((tile) => tile.model === model)
        .sort((a, b) => apart(a.voxels, voxels) - apart(b.voxels, voxels));
      if (nearest !== undefined) {
        const seconds = (firstRun * nearest.seconds * voxels) / nearest.voxels;
        return { seconds, basis: "a tile of another shape" };
      }
      if (warmUp?.model !== model || !(warmUp.voxelsPerS > 0)) return undefined;
      return { seconds: (firstRun * voxels) / warmUp.voxelsPerS, basis: "the warm-up run" };
    },
    learn(model, shape, seconds) {
      const key = keyOf(model, shape);
      known.delete(key);
      known.set(key, { model, voxels: elementCount(shape), seconds });
      const [oldest] = known.keys();
      if (known.size > mostShapes && oldest !== undefined) known.delete(oldest);
    },
  };
}

/** How unlike two sizes are. */
function apart(one: number, other: number): number {
  return Math.abs(Math.log(one / other));
}

/**
 * What the tiles of a job will take, for each voxel that they deliver; undefined where nothing is known of one of its
 * models. All channels hold equally many voxels.
 */
export function expectedSpeed({ channels, stack }: JobPlan, rates: TileRates): KnownSpeed | undefined {
  const speeds = channels.flatMap((channel) => {
    if (channel.kind === "pass") return [];
    const { model, tiles } = channel;
    const tile = rates.expect(model.modelSha256, tileShapeOf(tiles));
    if (tile === undefined) return [undefined];
    return [
      { msPerVoxel: (1000 * tile.seconds * tileCount(tiles)) / elementCount(stack), basis: tile.basis },
    ];
  });
  const known = speeds.filter((speed) => speed !== undefined);
  const [first] = known;
  if (first === undefined || known.length < speeds.length) return undefined;
  const sum = known.reduce((total, { msPerVoxel }) => total + msPerVoxel, 0);
  return { msPerVoxel: sum / known.length, basis: first.basis };
}
