import type { NoisyReferences } from "./noisy-references.ts";

/** One intensity bin: mean of the reference and of the image over the pixels in it. */
export interface IntensityBin {
  readonly reference: number;
  readonly image: number;
  readonly pixels: number;
}

/**
 * Image against reference by intensity. Pixels are sorted into bins by one half of the references, the reference's
 * mean is taken from the other half: so noise that lifts a pixel into a bin is not averaged there, which would bend
 * the curve. `edges` (ascending) separate the bins.
 */
export function linearity(edges: readonly number[]) {
  const count = edges.length + 1;
  const pixels = new Float64Array(count);
  const image = new Float64Array(count);
  const reference = new Float64Array(count);
  return {
    /** The next plane. Planes without two reference halves are left out. */
    add(plane: Float32Array, { halves }: NoisyReferences): void {
      if (halves === undefined) return;
      const [sorting, averaged] = halves;
      for (let at = 0; at < plane.length; at += 1) {
        const bin = binOf(sorting[at] ?? 0, edges);
        pixels[bin] = (pixels[bin] ?? 0) + 1;
        image[bin] = (image[bin] ?? 0) + (plane[at] ?? 0);
        reference[bin] = (reference[bin] ?? 0) + (averaged[at] ?? 0);
      }
    },
    bins: (): readonly IntensityBin[] =>
      Array.from(pixels.keys())
        .filter((bin) => (pixels[bin] ?? 0) > 0)
        .map((bin) => ({
          reference: (reference[bin] ?? 0) / (pixels[bin] ?? 1),
          image: (image[bin] ?? 0) / (pixels[bin] ?? 1),
          pixels: pixels[bin] ?? 0,
        })),
  };
}

/** `image = slope · reference + offset` by least squares. */
export interface Line {
  readonly slope: number;
  readonly offset: number;
}

/** NaN where all references are equal. */
export function lineThrough(references: ArrayLike<number>, images: ArrayLike<number>): Line {
  const count = references.length;
  let meanX = 0;
  let meanY = 0;
  for (let at = 0; at < count; at += 1) {
    meanX += references[at] ?? 0;
    meanY += images[at] ?? 0;
  }
  meanX /= count;
  meanY /= count;
  let xy = 0;
  let xx = 0;
  for (let at = 0; at < count; at += 1) {
    const x = (references[at] ?? 0) - meanX;
    xy += x * ((images[at] ?? 0) - meanY);
    xx += x * x;
  }
  const slope = xy / xx;
  return { slope, offset: meanY - slope * meanX };
}

/** Index of the bin: the number of edges that are not above `value`. */
export function binOf(value: number, edges: readonly number[]): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edges[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
