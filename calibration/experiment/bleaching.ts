import { usageError } from "../../core/errors.ts";
import { blockGrid, blockMeansOf } from "../metrics/block-grid.ts";
import { lineThrough } from "../metrics/linearity.ts";
import type { PlaneShape } from "../metrics/local-moments.ts";
import { meanOf } from "../metrics/noisy-references.ts";

/** How the brightness changed while the field was repeated. */
export interface Bleaching {
  /** Brightness of each image, 1 on average; `image = offset + factor · (field - offset)`. */
  readonly factors: readonly number[];
  /** Grey value without light: as given, or as the repeats themselves tell. */
  readonly offset: number;
  readonly offsetFrom: "option" | "repeats" | "assumed 0";
  /** Largest less smallest factor. */
  readonly range: number;
  /** Whether images are divided by their factors; below the threshold they are left as they are. */
  readonly corrected: boolean;
}

/** A smaller change does not matter beside noise. */
const negligibleRange = 0.01;

/** The range of some ten slopes that differ by noise alone stays below this many of their standard errors. */
const significantRange = 6;

/** Beyond this the last images hold so much less light that they are another experiment. */
const largestRange = 0.35;

/** What one factor leaves unexplained must stay below this share of the signal. */
const largestUnexplained = 0.02;

/** Exposures differ in noise too, and one of each tells little of it. */
const largestUnexplainedOfExposures = 0.05;

/**
 * Fits `image = slope · mean + intercept` on block means of each projection. One factor per image explains them if
 * all lines meet in one point, the offset. Throws `usageError` (`bleaching-strong`, `bleaching-uneven`) where
 * brightness changed too much or not by one factor. With `exposures`, the images are of different exposure: any range
 * is allowed, and factors are those against the images that judge the others.
 */
export function measureBleaching(
  projections: readonly Float32Array[],
  shape: PlaneShape,
  offset: number | undefined,
  exposures?: { readonly judges: readonly number[] },
): Bleaching {
  const grid = blockGrid(shape);
  const blocks = projections.map((projection) => blockMeansOf(projection, grid));
  const count = blocks[0]?.length ?? 0;
  const mean = Float64Array.from({ length: count }, (_, block) =>
    blocks.reduce((sum, means) => sum + (means[block] ?? 0) / blocks.length, 0),
  );
  const lines = blocks.map((means) => lineThrough(mean, means));
  const signal = Math.max(...mean) - Math.min(...mean);
  const slopes = lines.map(({ slope }) => slope);
  const slopeRange = Math.max(...slopes) - Math.min(...slopes);
  const noise = blockNoise(projections, shape);
  const slopeNoise = noise / Math.sqrt(sumOfSquaredDeviations(mean));
  if (!(signal > 0) || slopeRange < Math.max(negligibleRange, significantRange * slopeNoise)) {
    return {
      factors: slopes.map(() => 1),
      offset: offset ?? 0,
      offsetFrom: offset === undefined ? "assumed 0" : "option",
      range: Number.isFinite(slopeRange) ? slopeRange : 0,
      corrected: false,
    };
  }
  const from = offset === undefined ? "repeats" : "option";
  const darkLevel = offset ?? meetingPoint(lines);
  const field = mean.reduce((sum, value) => sum + value - darkLevel, 0);
  const factors = blocks.map((means) => means.reduce((sum, value) => sum + value - darkLevel, 0) / field);
  const least = Math.min(...factors);
  if (!(least > 0)) {
    throw usageError("an image holds no light above the dark level", {
      code: "bleaching-strong",
      found: `brightness ${percent(least)} of the mean`,
      allowed: "more than 0",
      remedy: "Give the camera's dark level with --offset, or leave that image out",
    });
  }
  const range = Math.max(...factors) - Math.min(...factors);
  if (range > largestRange && exposures === undefined) {
    throw usageError("the field bleached too much while it was repeated", {
      code: "bleaching-strong",
      found: `brightness between ${percent(Math.min(...factors))} and ${percent(Math.max(...factors))} of its mean`,
      allowed: `a range of ${percent(largestRange)}`,
      remedy: "Use fewer repeats or less light: the last images are noisier than the first ones",
    });
  }
  const unexplained =
    Math.sqrt(Math.max(0, residual(blocks, mean, factors, darkLevel) - noise * noise)) / signal;
  const allowed = exposures === undefined ? largestUnexplained : largestUnexplainedOfExposures;
  if (unexplained > allowed) {
    throw usageError("the field's brightness changed, but not by one factor per repeat", {
      code: "bleaching-uneven",
      found: `${percent(unexplained)} of the signal left after one factor per repeat`,
      allowed: percent(allowed),
      remedy:
        "Something moved, or parts of the field bleach faster; choose a field that keeps still. If the camera's dark level is known, give it with --offset",
    });
  }
  const judges = exposures?.judges ?? [];
  const scale =
    judges.length === 0 ? 1 : judges.reduce((sum, index) => sum + (factors[index] ?? 1), 0) / judges.length;
  return {
    factors: factors.map((factor) => factor / scale),
    offset: darkLevel,
    offsetFrom: from,
    range: range / scale,
    corrected: true,
  };
}

/** Undoes a factor in place: `offset + (value - offset) / factor`. */
export function undoBleaching(plane: Float32Array, factor: number, offset: number): void {
  for (let at = 0; at < plane.length; at += 1) plane[at] = offset + ((plane[at] ?? 0) - offset) / factor;
}

/** Least squares of `intercept = (1 - slope) · offset`. */
function meetingPoint(lines: readonly { slope: number; offset: number }[]): number {
  let above = 0;
  let below = 0;
  for (const { slope, offset } of lines) {
    above += (1 - slope) * offset;
    below += (1 - slope) ** 2;
  }
  return above / below;
}

/** Standard deviation of a block's mean by noise: from how pixels of a block differ from the field and each other. */
function blockNoise(projections: readonly Float32Array[], shape: PlaneShape): number {
  const grid = blockGrid(shape);
  const count = projections.length;
  const pixels = projections[0]?.length ?? 0;
  const perBlock = pixels / grid.count;
  const mean = meanOf(projections);
  let sum = 0;
  for (const projection of projections) {
    const deviations = projection.map((value, at) => value - (mean[at] ?? 0));
    const means = blockMeansOf(deviations, grid);
    deviations.forEach((value, at) => {
      sum += (value - (means[grid.blockOf[at] ?? 0] ?? 0)) ** 2;
    });
  }
  return Math.sqrt(sum / (Math.max(1, count - 1) * pixels * perBlock));
}

function sumOfSquaredDeviations(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

/** Mean square of what one factor per image leaves of the block means. */
function residual(
  blocks: readonly Float64Array[],
  mean: Float64Array,
  factors: readonly number[],
  offset: number,
): number {
  let sum = 0;
  blocks.forEach((means, image) => {
    means.forEach((value, block) => {
      sum += (value - offset - (factors[image] ?? 1) * ((mean[block] ?? 0) - offset)) ** 2;
    });
  });
  return sum / (blocks.length * mean.length);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
