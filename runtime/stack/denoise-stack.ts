import type { Samples, SampleType } from "../../core/acquisition.ts";
import type { IntensityMap } from "../../core/intensity-map.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { orInterrupted } from "../job/interrupted.ts";
import { makeTileBuffers, type Network, type TileBuffers } from "../job/network.ts";
import { type Span, type TilePlan, tileCount, tileShapeOf } from "../plan/tile-plan.ts";
import { createBlendedPlanes } from "./blended-planes.ts";
import { type TellBusy, timed } from "./busy-time.ts";
import { gatherTile, indicesOf } from "./gather-tile.ts";
import { createPlaneWindow } from "./plane-window.ts";

/**
 * Tiles under way at once: one in the network, one waiting for it, one being filled or blended. The network has
 * always its next tile at hand, and no more memory is taken.
 */
const tilesUnderWay = 3;

export interface StackTask {
  readonly plan: TilePlan;
  readonly model: ModelPackage;
  readonly sampleType: SampleType;
  readonly map: IntensityMap;
  /** Reads a plane of the stack, `[height, width]`, into the given array. Called in any order, also repeatedly. */
  readonly readPlane: (depth: number, into: Samples) => Promise<void>;
  /** Takes a finished plane of network output, `[height, width]`; called by rising depth, one at a time. */
  readonly deliver: (depth: number, values: Float32Array) => Promise<void>;
  readonly onTile?: (secondsInNetwork: number) => void;
  readonly tellBusy?: TellBusy | undefined;
}

/**
 * Runs one stack through the network, slab by slab. A slab is the planes under one row of tiles; the next slab is read
 * and the previous one delivered while the network works. Memory: two slabs of samples, two of output, and
 * `tilesUnderWay` tiles, whatever the depth.
 */
export async function denoiseStack(task: StackTask, network: Network, signal: AbortSignal): Promise<void> {
  const { plan, map, model } = task;
  const [depths, heights, widths] = plan.axes;
  const shape = tileShapeOf(plan);
  const largestStep = depths.spans.reduce((largest, span, k) => {
    const next = depths.spans[k + 1] ?? span;
    return Math.max(largest, next.start - span.start);
  }, 0);
  const capacity = Math.min(depths.tile + largestStep, depths.length);
  const window = createPlaneWindow({
    capacity,
    sampleType: task.sampleType,
    planeVoxels: heights.length * widths.length,
    read: task.readPlane,
  });
  const blended = createBlendedPlanes(plan, capacity);
  const ending = new AbortController();
  const either = AbortSignal.any([signal, ending.signal]);

  /** Delivers the planes that no later slab reaches. */
  const deliverSlab = async (slab: number): Promise<void> => {
    const first = Math.max(depths.spans[slab]?.start ?? 0, 0);
    const end = Math.min(depths.spans[slab + 1]?.start ?? depths.length, depths.length);
    for (let depth = first; depth < end; depth += 1) {
      either.throwIfAborted();
      await task.deliver(depth, blended.plane(depth));
      blended.clear(depth);
    }
  };

  let blending: Promise<void> = Promise.resolve();
  let delivering: Promise<void> = Promise.resolve();
  let reading: Promise<void> = Promise.resolve();
  const underWay: Promise<TileBuffers>[] = Array.from(
    { length: Math.min(tilesUnderWay, tileCount(plan)) },
    () => Promise.resolve(makeTileBuffers(shape)),
  );

  const startTile = (buffers: TileBuffers, depth: Span, height: Span, width: Span): Promise<TileBuffers> => {
    timed("normalizing", task.tellBusy, () =>
      gatherTile(window.plane, plan, [depth.start, height.start, width.start], map, buffers.input),
    );
    const run = network.run(model, shape, buffers);
    const blend = Promise.all([run, blending]).then(([seconds]) => {
      either.throwIfAborted();
      timed("blending", task.tellBusy, () => blended.add(buffers.output, depth, height, width));
      task.onTile?.(seconds);
      return buffers;
    });
    blending = quietly(blend.then(() => undefined));
    return quietly(blend);
  };

  try {
    reading = window.load(planesUnder(plan, 0), []);
    for (const [slab, depth] of depths.spans.entries()) {
      await orInterrupted(reading, signal);
      if (slab + 1 < depths.spans.length) {
        reading = quietly(window.load(planesUnder(plan, slab + 1), planesUnder(plan, slab)));
      }
      for (const height of heights.spans) {
        for (const width of widths.spans) {
          const buffers = await orInterrupted(oldest(underWay), signal);
          underWay.push(startTile(buffers, depth, height, width));
        }
      }
      // The slab after this one shares places with the slab before this one, which must be gone by then.
      blending = quietly(
        blending.then(async () => {
          await delivering;
          delivering = quietly(deliverSlab(slab));
        }),
      );
    }
    await orInterrupted(blending, signal);
    await orInterrupted(delivering, signal);
  } finally {
    // Nothing may still read or write when the caller closes its files; a tile in the network ends by itself.
    ending.abort();
    await Promise.allSettled([reading, delivering]);
  }
}

/** Takes the tile that has been under way longest. */
function oldest(underWay: Promise<TileBuffers>[]): Promise<TileBuffers> {
  const first = underWay.shift();
  if (first === undefined) throw new RangeError("no tile is under way");
  return first;
}

/** Marks a promise whose rejection is awaited later, so that it is not taken for one that nobody handles. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** The planes of the stack under one row of tiles, each once. */
function planesUnder({ axes: [depths] }: TilePlan, slab: number): number[] {
  const span = depths.spans[slab];
  return span === undefined ? [] : [...new Set(indicesOf(depths, span.start))];
}
