import type { AxisPlan, Span, TilePlan } from "../plan/tile-plan.ts";

/**
 * The output planes to which tiles of the present slab still contribute. Sums in float32, tile after tile in the plan's
 * order: the result does not depend on timing or thread count.
 */
export function createBlendedPlanes({ axes }: TilePlan, capacity: number) {
  const [depths, heights, widths] = axes;
  const planeVoxels = heights.length * widths.length;
  const places = Array.from({ length: capacity }, () => new Float32Array(planeVoxels));
  // Planes in use are neighbours in depth, at most `capacity` of them.
  const placeOf = (depth: number): Float32Array => places[depth % capacity] as Float32Array;

  return {
    /** A plane, `[height, width]`; complete once all tiles that reach it were added. */
    plane: placeOf,
    /** Forgets a plane, so that its place serves another. */
    clear: (depth: number): void => void placeOf(depth).fill(0),
    /** Adds a tile's output, `[depth, height, width]` float32, with its shares. */
    add(tile: Float32Array, depth: Span, height: Span, width: Span): void {
      const [firstDepth, endDepth] = inside(depths, depth);
      const [firstRow, endRow] = inside(heights, height);
      const [firstColumn, endColumn] = inside(widths, width);
      const soleRun = soleColumns(width, firstColumn, endColumn);
      const wholeRows = widths.tile === widths.length && soleRun[1] - soleRun[0] === widths.length;
      for (let z = firstDepth; z < endDepth; z += 1) {
        const plane = placeOf(z);
        const depthShare = depth.shares[z - depth.start] as number;
        for (let y = firstRow; y < endRow; y += 1) {
          const share = depthShare * (height.shares[y - height.start] as number);
          const rowAt = y * widths.length;
          const tileAt = ((z - depth.start) * heights.tile + (y - height.start)) * widths.tile - width.start;
          if (wholeRows && share === 1) {
            const rows = depthShare === 1 ? soleLength(height, y, endRow) : 1;
            plane.set(tile.subarray(tileAt, tileAt + rows * widths.length), rowAt);
            y += rows - 1;
            continue;
          }
          const [firstSole, endSole] = share === 1 ? soleRun : [firstColumn, firstColumn];
          addWeighted(plane, rowAt, tile, tileAt, firstColumn, firstSole, share, width);
          plane.set(tile.subarray(tileAt + firstSole, tileAt + endSole), rowAt + firstSole);
          addWeighted(plane, rowAt, tile, tileAt, endSole, endColumn, share, width);
        }
      }
    },
  };
}

function addWeighted(
  plane: Float32Array,
  rowAt: number,
  tile: Float32Array,
  tileAt: number,
  first: number,
  end: number,
  share: number,
  { start, shares }: Span,
): void {
  for (let x = first; x < end; x += 1) {
    plane[rowAt + x] =
      (plane[rowAt + x] as number) + share * (shares[x - start] as number) * (tile[tileAt + x] as number);
  }
}

/** The columns in `[first, end)` that no other tile reaches: there the output is copied, not added. */
function soleColumns({ start, shares }: Span, first: number, end: number): [first: number, end: number] {
  let from = first;
  while (from < end && shares[from - start] !== 1) from += 1;
  let to = from;
  while (to < end && shares[to - start] === 1) to += 1;
  return [from, to];
}

/** How many rows from `first` on no other tile reaches. */
function soleLength({ start, shares }: Span, first: number, end: number): number {
  let to = first;
  while (to < end && shares[to - start] === 1) to += 1;
  return to - first;
}

/** The elements of the axis that a span's tile covers: first, and one past the last. */
function inside({ length, tile }: AxisPlan, { start }: Span): [first: number, end: number] {
  return [Math.max(start, 0), Math.min(start + tile, length)];
}
