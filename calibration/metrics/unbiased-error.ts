import type { BlockGrid } from "./block-grid.ts";
import type { NoisyReferences } from "./noisy-references.ts";

/** Sums over the pixels of each block, all planes together. */
export interface BlockErrorSums {
  readonly pixels: Float64Array;
  /** Σ e; absent with a single reference, for which no unbiased figure exists. */
  readonly unbiased?: Float64Array;
  /** Σ (x - r̄)². */
  readonly naive: Float64Array;
  /** Σ q of each contrast. */
  readonly referenceNoise: readonly Float64Array[];
  /** Σ u; absent with fewer than three references. */
  readonly noiseProduct?: Float64Array;
  /** M. */
  readonly references: number;
}

/**
 * The squared error of one image against a truth that nobody has seen.
 *
 * With references r_1 … r_M independent of each other and of the image x, every product (x - r_i)(x - r_j), i ≠ j,
 * has the mean E[(x - truth)²]. Their average over all pairs is, pixel by pixel,
 *
 *     e = (x - r̄)² - s² / M        r̄: mean, s²: sample variance of the references
 *
 * that is: the naive error less the part that the references' own noise adds to it.
 *
 * Beside it, what the noise of the references does to e: with a contrast z of the references (weights that sum to 0,
 * unit norm), q = 2 (x - r̄) z / √M has mean 0 and the variance 4 d² σ²/M + 4 σ⁴/M² (d = x - truth), whatever the
 * noise's distribution and, once summed over blocks, however neighbours share it. The variance of e given x is
 * 4 d² σ²/M + 2 σ⁴/(M (M-1)): the same for M = 2, and smaller by (4 - 2M/(M-1)) times the variance σ⁴/M² of
 * u = z z' / M for a second contrast z' where there are more.
 */
export function blockErrors(grid: BlockGrid) {
  const { count, blockOf } = grid;
  const pixels = new Float64Array(count);
  const naive = new Float64Array(count);
  const expected = new Float64Array(count);
  const referenceNoise: Float64Array[] = [];
  const noiseProduct = new Float64Array(count);
  let hasVariance = true;
  let fewest = Number.POSITIVE_INFINITY;
  return {
    /** The next plane: the image, and the references of that plane. */
    add(image: Float32Array, { mean, variance, contrasts, count: references }: NoisyReferences): void {
      hasVariance &&= variance !== undefined;
      fewest = Math.min(fewest, references);
      const [z1, z2] = contrasts;
      const scale = 2 / Math.sqrt(references);
      const sums = contrasts.map((_, index) => {
        const known = referenceNoise[index] ?? new Float64Array(count);
        referenceNoise[index] = known;
        return known;
      });
      for (let at = 0; at < image.length; at += 1) {
        const block = blockOf[at] ?? 0;
        const difference = (image[at] ?? 0) - (mean[at] ?? 0);
        pixels[block] = (pixels[block] ?? 0) + 1;
        naive[block] = (naive[block] ?? 0) + difference * difference;
        if (variance !== undefined)
          expected[block] = (expected[block] ?? 0) + (variance[at] ?? 0) / references;
        if (z1 !== undefined && z2 !== undefined) {
          noiseProduct[block] = (noiseProduct[block] ?? 0) + ((z1[at] ?? 0) * (z2[at] ?? 0)) / references;
        }
        for (let index = 0; index < sums.length; index += 1) {
          const sum = sums[index];
          if (sum !== undefined)
            sum[block] = (sum[block] ?? 0) + scale * difference * (contrasts[index]?.[at] ?? 0);
        }
      }
    },
    sums: (): BlockErrorSums => ({
      pixels,
      naive,
      referenceNoise,
      references: fewest,
      ...(fewest > 2 ? { noiseProduct } : {}),
      ...(hasVariance ? { unbiased: naive.map((sum, block) => sum - (expected[block] ?? 0)) } : {}),
    }),
  };
}
