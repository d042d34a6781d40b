import { smallestFitting } from "../../core/operators.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { makeTileBuffers, type TileShape } from "../job/network.ts";
import type { NetworkThread } from "./network-thread.ts";

/** Small enough for a second on one core, large enough that the rate says something. */
const warmUpDepth = 4;
const warmUpSide = 64;

/**
 * Loads all models and runs the first one twice; returns its input voxels per second in the second run. The first
 * run of a session allocates and, on a GPU, compiles.
 */
export async function warmUp(network: NetworkThread, models: readonly ModelPackage[]): Promise<number> {
  for (const model of models) await network.load(model);
  const [first] = models;
  if (first === undefined) return 0;
  const shape = warmUpShape(first);
  const buffers = makeTileBuffers(shape);
  await network.run(first, shape, buffers);
  const seconds = await network.run(first, shape, buffers);
  const [depth, height, width] = shape;
  return seconds > 0 ? (depth * height * width) / seconds : 0;
}

function warmUpShape({ settings, zoo }: ModelPackage): TileShape {
  if (zoo !== undefined) {
    const [depth, height, width] = zoo.sizes;
    return [
      smallestFitting(depth, warmUpDepth),
      smallestFitting(height, warmUpSide),
      smallestFitting(width, warmUpSide),
    ];
  }
  if (settings.fixed_shape !== undefined) return settings.fixed_shape;
  const depth = Math.min(warmUpDepth, settings.tile[0]);
  if (settings.fixed_height_width !== undefined) return [depth, ...settings.fixed_height_width];
  const side = Math.ceil(warmUpSide / settings.spatial_multiple) * settings.spatial_multiple;
  return [depth, side, side];
}
