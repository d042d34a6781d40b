import type { Samples } from "../core/acquisition.ts";
import type { IntensityMap } from "./normalize.ts";
import { symmetricIndex } from "./symmetric-padding.ts";
import type { AxisPlan, TilePlan } from "./tile-plan.ts";

/** First elements of one tile on the three axes of the stack. */
export type TileStart = readonly [depth: number, height: number, width: number];

/**
 * Writes one tile of network input, `[depth, height, width]` float32: the stack's samples through the intensity map,
 * continued symmetrically beyond its borders. What is not finite goes in as the map's low value, so that it does not
 * spread over the tile.
 */
export function gatherTile(
  planeAt: (depth: number) => Samples,
  { axes: [depths, heights, widths] }: TilePlan,
  [depthStart, heightStart, widthStart]: TileStart,
  map: IntensityMap,
  into: Float32Array,
): void {
  const columns = indicesOf(widths, widthStart);
  const rows = indicesOf(heights, heightStart);
  let at = 0;
  for (const depth of indicesOf(depths, depthStart)) {
    const plane = planeAt(depth);
    for (const row of rows) {
      gatherRow(plane, row * widths.length, columns, map, into, at);
      at += columns.length;
    }
  }
}

function gatherRow(
  plane: Samples,
  rowStart: number,
  columns: Int32Array,
  { low, range, clip }: IntensityMap,
  into: Float32Array,
  at: number,
): void {
  for (let i = 0; i < columns.length; i += 1) {
    const value = ((plane[rowStart + (columns[i] as number)] as number) - low) / range;
    // NaN and infinities differ from themselves by NaN.
    if (value - value !== 0) into[at + i] = 0;
    else if (clip) into[at + i] = Math.min(Math.max(value, 0), 1);
    else into[at + i] = value;
  }
}

/** The stack's elements along one axis of a tile. */
export function indicesOf({ length, tile }: AxisPlan, start: number): Int32Array {
  return Int32Array.from({ length: tile }, (_, i) => symmetricIndex(start + i, length));
}
