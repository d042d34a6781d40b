import type { Samples } from "../../core/acquisition.ts";
import { usageError } from "../../core/errors.ts";

/**
 * What M independent noisy images of the same plane say of the truth behind them. Each array is `[Y, X]`.
 */
export interface NoisyReferences {
  readonly count: number;
  readonly mean: Float32Array;
  /** Sample variance between the images at each pixel (divisor M - 1); absent for a single image. */
  readonly variance?: Float32Array;
  /**
   * Sums of the images with weights that add up to 0 and whose squares add up to 1: pure noise, of the variance of
   * one image, uncorrelated with `mean`.
   */
  readonly contrasts: readonly Float32Array[];
  /** Means of the images with even and with odd index: two references that share no noise. Absent for M = 1. */
  readonly halves?: readonly [Float32Array, Float32Array];
}

/** More contrasts make the interval's width steadier; three are enough beside the blocks. */
const mostContrasts = 3;

export function noisyReferences(images: readonly Float32Array[]): NoisyReferences {
  const first = images[0];
  if (first === undefined) {
    throw usageError("no image is left to compare with", {
      code: "no-reference",
      remedy: "Give more repeats than are averaged",
    });
  }
  const count = images.length;
  const mean = meanOf(images);
  if (count === 1) return { count, mean, contrasts: [] };
  const variance = new Float32Array(first.length);
  for (const image of images) {
    for (let at = 0; at < variance.length; at += 1) {
      const difference = (image[at] ?? 0) - (mean[at] ?? 0);
      variance[at] = (variance[at] ?? 0) + (difference * difference) / (count - 1);
    }
  }
  return {
    count,
    mean,
    variance,
    contrasts: contrastWeights(count).map((weights) => weightedSum(images, weights)),
    halves: [
      meanOf(images.filter((_, index) => index % 2 === 0)),
      meanOf(images.filter((_, index) => index % 2 === 1)),
    ],
  };
}

/** Orthonormal weights, each summing to 0: discrete cosines of 1, 2, 3 half periods (the rows of a DCT-II). */
export function contrastWeights(count: number): readonly (readonly number[])[] {
  return Array.from({ length: Math.min(mostContrasts, count - 1) }, (_, order) =>
    Array.from(
      { length: count },
      (_, index) => Math.sqrt(2 / count) * Math.cos((Math.PI * (order + 1) * (index + 0.5)) / count),
    ),
  );
}

export function meanOf(images: readonly Float32Array[]): Float32Array {
  return weightedSum(images, new Array<number>(images.length).fill(1 / images.length));
}

/** Adds an image to a sum, pixel by pixel. */
export function addTo(sum: Float32Array | Float64Array, image: Samples): void {
  for (let at = 0; at < sum.length; at += 1) sum[at] = (sum[at] ?? 0) + (image[at] ?? 0);
}

/** Σ weight · image, pixel by pixel. */
export function weightedSum(images: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const sum = new Float64Array(images[0]?.length ?? 0);
  images.forEach((image, index) => {
    const weight = weights[index] ?? 0;
    if (weight === 0) return;
    for (let at = 0; at < sum.length; at += 1) sum[at] = (sum[at] ?? 0) + weight * (image[at] ?? 0);
  });
  return Float32Array.from(sum);
}
