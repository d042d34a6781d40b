import { normalOf, type Random } from "../simulation/random.ts";
import type { BlockErrorSums } from "./unbiased-error.ts";

/** A value and the interval that covers the truth in 95 of 100 repetitions of the experiment. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface ErrorEstimate extends Estimate {
  /** Variance of the mean error of one image, from image to image of the same field; absent for a single draw. */
  readonly drawVariance?: number;
  /** What the interval allows for: noise of input and references, or of the references only. */
  readonly allowsFor: "input and reference noise" | "reference noise";
}

const replicates = 2000;

/** Below this a correction of the width would rest on its own noise. */
const narrowest = 0.5;

/**
 * Mean unbiased error over draws, with its interval. What is estimated is the error *on this field*, averaged over
 * the noise that input images may have; so the field's blocks are strata: their different errors (bright cells,
 * dark corners) are no uncertainty. What varies is noise, and each block shows how much, twice:
 * - its error differs from draw to draw (the noise of the input);
 * - its reference contrasts differ from 0 (the noise of the references, shared by all draws).
 *
 * A bootstrap draws blocks with replacement and gives each deviation a random sign, so neither normality nor
 * independence of neighbouring pixels is assumed, only that blocks are independent of each other in their noise.
 * Input noise times reference noise shows in both parts, and u in excess (unbiased-error.ts); what is counted twice
 * is measured and the deviations are scaled down by it.
 * With a single draw the first part is `borrowedVariance` (that of a shorter average, scaled), or missing.
 */
export function errorEstimate(
  draws: readonly BlockErrorSums[],
  random: Random,
  borrowedVariance?: number,
): ErrorEstimate | undefined {
  const first = draws[0];
  if (first === undefined || draws.some(({ unbiased }) => unbiased === undefined)) return undefined;
  const count = draws.length;
  const pixels = total(first.pixels);
  const value = draws.reduce((sum, draw) => sum + total(draw.unbiased ?? first.naive), 0) / (count * pixels);
  const noise = noiseOf(draws, pixels);

  const raw = noise.ofDraws + noise.ofReferences;
  const counted = raw - noise.interaction - noise.excess;
  const scale = raw > 0 ? Math.sqrt(Math.max(narrowest, counted / raw)) : 1;
  const deviations = bootstrap(noise, scale, count > 1 ? 0 : (borrowedVariance ?? 0), random);
  return {
    value,
    low: value + quantile(deviations, 0.025),
    high: value + quantile(deviations, 0.975),
    allowsFor: count > 1 || borrowedVariance !== undefined ? "input and reference noise" : "reference noise",
    ...(count > 1 ? { drawVariance: Math.max(0, count * (noise.ofDraws - noise.interaction)) } : {}),
  };
}

/** Deviations of the mean error by block, as parts of the field's mean, and the variances that they add up to. */
interface BlockNoise {
  readonly drawDeviations: readonly Float64Array[];
  readonly referenceDeviations: readonly Float64Array[];
  readonly ofDraws: number;
  readonly ofReferences: number;
  /** Input noise times reference noise, which is in both of the above. */
  readonly interaction: number;
  /** What the contrasts show of the references' squared noise beyond its true part. */
  readonly excess: number;
}

function noiseOf(draws: readonly BlockErrorSums[], pixels: number): BlockNoise {
  const count = draws.length;
  const first = draws[0];
  const blocks = first?.pixels.length ?? 0;
  const contrasts = first?.referenceNoise.length ?? 0;
  const byBlock = Array.from({ length: blocks }, (_, block) => block);
  const between = (values: Float64Array) => {
    const mean = total(values) / count;
    const scale = count > 1 ? 1 / (Math.sqrt(count * (count - 1)) * pixels) : 0;
    return values.map((value) => scale * (value - mean));
  };
  const drawDeviations = byBlock.map((block) =>
    between(Float64Array.from(draws, ({ unbiased }) => unbiased?.[block] ?? 0)),
  );
  const contrastOf = (block: number, contrast: number) =>
    Float64Array.from(draws, ({ referenceNoise }) => referenceNoise[contrast]?.[block] ?? 0);
  const byContrast = Array.from({ length: contrasts }, (_, contrast) => contrast);
  const referenceDeviations = byBlock.map((block) =>
    Float64Array.from(byContrast, (contrast) => total(contrastOf(block, contrast)) / (count * pixels)),
  );
  const interactions = byBlock.map((block) =>
    byContrast.reduce((sum, contrast) => sum + sumOfSquares(between(contrastOf(block, contrast))), 0),
  );
  const references = first?.references ?? 2;
  const products = first?.noiseProduct ?? new Float64Array(0);
  const excessShare = 4 - (2 * references) / (references - 1);
  return {
    drawDeviations,
    referenceDeviations,
    ofDraws: total(drawDeviations.map(sumOfSquares)),
    ofReferences: contrasts === 0 ? 0 : total(referenceDeviations.map(sumOfSquares)) / contrasts,
    interaction: contrasts === 0 ? 0 : total(interactions) / contrasts,
    excess: (excessShare * sumOfSquares(products)) / (pixels * pixels),
  };
}

function bootstrap(noise: BlockNoise, scale: number, borrowedVariance: number, random: Random): Float64Array {
  const { drawDeviations, referenceDeviations } = noise;
  const blocks = drawDeviations.length;
  const contrasts = referenceDeviations[0]?.length ?? 0;
  const borrowed = Math.sqrt(borrowedVariance);
  const normal = normalOf(random);
  const deviations = new Float64Array(replicates);
  for (let replicate = 0; replicate < replicates; replicate += 1) {
    let sum = 0;
    for (let pick = 0; pick < blocks; pick += 1) {
      const block = Math.floor(random() * blocks);
      for (const deviation of drawDeviations[block] ?? []) sum += signed(deviation, random);
      const contrast = Math.floor(random() * contrasts);
      sum += signed(referenceDeviations[block]?.[contrast] ?? 0, random);
    }
    deviations[replicate] = scale * sum + (borrowed > 0 ? borrowed * normal() : 0);
  }
  return deviations.sort();
}

export function total(values: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < values.length; at += 1) sum += values[at] ?? 0;
  return sum;
}

/** Of sorted values, numpy's `linear`. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(sorted.length - 1, below + 1)] ?? Number.NaN;
  return low + (place - below) * (high - low);
}

function signed(value: number, random: Random): number {
  return random() < 0.5 ? -value : value;
}

function sumOfSquares(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}
