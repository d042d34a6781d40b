/**
 * Window weights along one axis of a tile: ramps 1/n, 2/n, … n/n rise over the `before` elements shared with the
 * neighbour before and fall likewise over `after`; where both ramps meet they multiply. Source: the published tiled
 * inference (CNNT_Microscopy, running_inference.py), whose window is the product of this over the three axes.
 * With a `halo`, the outermost elements that are shared weigh nothing, and the ramp lies between the two tiles' halos.
 */
export function rampWeights(tile: number, before: number, after: number, halo = 0): Float64Array {
  const weights = new Float64Array(tile).fill(1);
  for (let i = 0; i < Math.min(before, tile); i += 1) {
    weights[i] = (weights[i] ?? 0) * rampAt(i, before, halo);
  }
  for (let i = 0; i < Math.min(after, tile); i += 1) {
    const at = tile - 1 - i;
    weights[at] = (weights[at] ?? 0) * rampAt(i, after, halo);
  }
  return weights;
}

function rampAt(i: number, shared: number, halo: number): number {
  return Math.min(Math.max((i + 1 - halo) / (shared - 2 * halo), 0), 1);
}

/**
 * The same weights divided by their sum over all tiles at each element of the axis, so that what they blend needs no
 * division afterwards. The tiles form a grid and their window is a product over the axes; so is the sum of windows,
 * and dividing per axis is dividing per voxel. Elements outside `[0, length)` weigh nothing.
 */
export function sharesOf(
  length: number,
  tile: number,
  starts: readonly number[],
  weights: readonly Float64Array[],
): Float32Array[] {
  const sums = new Float64Array(length);
  for (const [k, start] of starts.entries()) {
    const window = weights[k] ?? new Float64Array(tile);
    for (let i = Math.max(0, -start); i < tile && start + i < length; i += 1) {
      sums[start + i] = (sums[start + i] ?? 0) + (window[i] ?? 0);
    }
  }
  // Tiles within an axis mostly have the same shares: of a hundred thousand tiles, few arrays are kept.
  let last = new Float32Array();
  return starts.map((start, k) => {
    const shares = Float32Array.from(weights[k] ?? [], (weight, i) => {
      const sum = sums[start + i];
      return sum === undefined ? 0 : weight / sum;
    });
    if (!isSame(shares, last)) last = shares;
    return last;
  });
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
