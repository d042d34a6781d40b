import type { PlaneShape } from "./local-moments.ts";

/** A field cut into square blocks; a block is a column through all planes. */
export interface BlockGrid {
  /** Of the blocks; those at the far borders may be smaller. */
  readonly count: number;
  /** The block of each pixel, `[Y, X]`. */
  readonly blockOf: Uint32Array;
}

/** Blocks much smaller than this may be shorter than the distance over which a network carries noise. */
const smallestSide = 8;

/** About so many blocks. */
const wanted = 64;

export function blockGrid({ height, width }: PlaneShape): BlockGrid {
  const side = Math.max(smallestSide, Math.ceil(Math.sqrt((height * width) / wanted)));
  const columns = Math.ceil(width / side);
  const blockOf = new Uint32Array(height * width);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      blockOf[row * width + column] = Math.floor(row / side) * columns + Math.floor(column / side);
    }
  }
  return { count: Math.ceil(height / side) * columns, blockOf };
}

/** Mean of each block of a plane, `[Y, X]`. */
export function blockMeansOf(plane: ArrayLike<number>, { count, blockOf }: BlockGrid): Float64Array {
  const sums = new Float64Array(count);
  const pixels = new Float64Array(count);
  for (let at = 0; at < plane.length; at += 1) {
    const block = blockOf[at] ?? 0;
    sums[block] = (sums[block] ?? 0) + (plane[at] ?? 0);
    pixels[block] = (pixels[block] ?? 0) + 1;
  }
  return sums.map((sum, block) => sum / (pixels[block] ?? 1));
}
