import type { Samples } from "../../core/acquisition.ts";
import type { IntensityMap } from "../../core/intensity-map.ts";
import type { Pointwise } from "../../core/operators.ts";
import { inputWriter } from "../kernels/voxels.ts";
import type { AxisPlan, TilePlan } from "../plan/tile-plan.ts";

/** First elements of one tile on the three axes of the stack. */
type TileStart = readonly [depth: number, height: number, width: number];

/**
 * Writes one tile of network input, `[depth, height, width]` float32: the stack's samples through the intensity map,
 * continued symmetrically beyond its borders. What is not finite goes in as the map's low value, so that it does not
 * spread over the tile.
 */
export function gatherTile(
  planeAt: (depth: number) => Samples,
  plan: TilePlan,
  start: TileStart,
  map: IntensityMap,
  into: Float32Array,
): void {
  if (map.operators !== undefined) {
    gatherOperated(planeAt, plan, start, map.operators, into);
    return;
  }
  const [depths, heights, widths] = plan.axes;
  const [depthStart, heightStart, widthStart] = start;
  const columns = indicesOf(widths, widthStart);
  const [firstColumn, endColumn] = insideOf(widths, widthStart);
  const rows = indicesOf(heights, heightStart);
  const [firstRow, endRow] = insideOf(heights, heightStart);
  const wholeRows = firstColumn === 0 && endColumn === columns.length && endColumn === widths.length;
  const [min, max] = map.clip ? [0, 1] : [-Infinity, Infinity];
  const writer = inputWriter(into, { low: map.low, scale: 1 / map.range, min, max });

  const appendRow = (plane: Samples, row: number): void => {
    const at = row * widths.length;
    writer.appendEach(plane, at, columns.subarray(0, firstColumn));
    writer.append(plane, at + widthStart + firstColumn, at + widthStart + endColumn);
    writer.appendEach(plane, at, columns.subarray(endColumn));
  };
  for (const depth of indicesOf(depths, depthStart)) {
    const plane = planeAt(depth);
    if (!wholeRows) {
      for (const row of rows) appendRow(plane, row);
      continue;
    }
    for (const row of rows.subarray(0, firstRow)) appendRow(plane, row);
    writer.append(plane, (heightStart + firstRow) * widths.length, (heightStart + endRow) * widths.length);
    for (const row of rows.subarray(endRow)) appendRow(plane, row);
  }
  writer.finish();
}

/** The same by functions of a sample instead of a map. */
function gatherOperated(
  planeAt: (depth: number) => Samples,
  { axes: [depths, heights, widths] }: TilePlan,
  [depthStart, heightStart, widthStart]: TileStart,
  operators: (depth: number) => Pointwise,
  into: Float32Array,
): void {
  const columns = indicesOf(widths, widthStart);
  const rows = indicesOf(heights, heightStart);
  let at = 0;
  for (const depth of indicesOf(depths, depthStart)) {
    const plane = planeAt(depth);
    const operate = operators(depth);
    for (const row of rows) {
      const rowStart = row * widths.length;
      for (let i = 0; i < columns.length; i += 1) {
        into[at + i] = operate(plane[rowStart + (columns[i] as number)] as number);
      }
      at += columns.length;
    }
  }
  zeroNonFinite(into);
}

function zeroNonFinite(values: Float32Array): void {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    // NaN and infinities differ from themselves by NaN.
    if (value - value !== 0) values[i] = 0;
  }
}

/** The stack's elements along one axis of a tile. */
export function indicesOf({ length, tile }: AxisPlan, start: number): Int32Array {
  const indices = new Int32Array(tile);
  for (let i = 0; i < tile; i += 1) indices[i] = symmetricIndex(start + i, length);
  return indices;
}

/** The part of a tile that lies inside the stack, in elements of the tile: first, and one past the last. */
function insideOf({ length, tile }: AxisPlan, start: number): [first: number, end: number] {
  return [Math.max(0, -start), Math.min(tile, length - start)];
}

/**
 * Which element stands at position `index` of an axis of `length` elements that is continued on both sides as numpy's
 * `pad(mode="symmetric")` does: mirrored with the edge element repeated, again and again (d c b a | a b c d | d c b a).
 */
export function symmetricIndex(index: number, length: number): number {
  const period = 2 * length;
  const position = ((index % period) + period) % period;
  return position < length ? position : period - 1 - position;
}
