import type { Samples } from "../core/acquisition.ts";
import type { Pointwise } from "../core/operators.ts";
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
  const scale = 1 / map.range;
  let at = 0;
  let floats = false;
  for (const depth of indicesOf(depths, depthStart)) {
    const plane = planeAt(depth);
    floats ||= plane instanceof Float32Array || plane instanceof Float64Array;
    const operate = map.operators?.(depth);
    for (const row of rows) {
      if (operate === undefined) scaleRow(plane, row * widths.length, columns, map.low, scale, into, at);
      else operateRow(plane, row * widths.length, columns, operate, into, at);
      at += columns.length;
    }
  }
  if (floats) zeroNonFinite(into);
  if (map.clip) clipToUnit(into);
}

/** The inner loop of all reading, so it does nothing else. */
function scaleRow(
  plane: Samples,
  rowStart: number,
  columns: Int32Array,
  low: number,
  scale: number,
  into: Float32Array,
  at: number,
): void {
  for (let i = 0; i < columns.length; i += 1) {
    into[at + i] = ((plane[rowStart + (columns[i] as number)] as number) - low) * scale;
  }
}

function operateRow(
  plane: Samples,
  rowStart: number,
  columns: Int32Array,
  operate: Pointwise,
  into: Float32Array,
  at: number,
): void {
  for (let i = 0; i < columns.length; i += 1) {
    into[at + i] = operate(plane[rowStart + (columns[i] as number)] as number);
  }
}

function zeroNonFinite(values: Float32Array): void {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    // NaN and infinities differ from themselves by NaN.
    if (value - value !== 0) values[i] = 0;
  }
}

function clipToUnit(values: Float32Array): void {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    if (value < 0) values[i] = 0;
    else if (value > 1) values[i] = 1;
  }
}

/** The stack's elements along one axis of a tile. */
export function indicesOf({ length, tile }: AxisPlan, start: number): Int32Array {
  return Int32Array.from({ length: tile }, (_, i) => symmetricIndex(start + i, length));
}
