import { type TilePlan, tileShapeOf } from "../plan/tile-plan.ts";
import type { BlendedPlanes } from "./blended-planes.ts";

/** Whether every tile covers whole planes and shares none with another, as a stack in one piece. */
export function tilesAreSeparate({ axes }: TilePlan): boolean {
  return axes.every(
    ({ length, tile, spans }, axis) =>
      (axis === 0 || tile === length) && spans.every(({ shares }) => shares.every((share) => share === 1)),
  );
}

/**
 * The output of separate tiles, where it lies: nothing is added up, so nothing is copied. A tile's array must stay
 * as it is until its planes were delivered.
 */
export function planesOfSeparateTiles(plan: TilePlan): BlendedPlanes {
  const [depth, height, width] = tileShapeOf(plan);
  const planeVoxels = height * width;
  const tiles = new Map<number, Float32Array>();
  return {
    add: (tile, { start }) => void tiles.set(start / depth, tile),
    plane(at) {
      const tile = tiles.get(Math.floor(at / depth)) as Float32Array;
      return tile.subarray((at % depth) * planeVoxels, ((at % depth) + 1) * planeVoxels);
    },
    clear(at) {
      if ((at + 1) % depth === 0) tiles.delete(Math.floor(at / depth));
    },
  };
}
