import { present } from "../../core/record.ts";
import { type BlockGrid, blockGrid, blockMeansOf } from "../metrics/block-grid.ts";
import { type DetailBand, detailTransfer } from "../metrics/detail-transfer.ts";
import {
  type CorrelationCurve,
  resolutionPixels,
  ringCorrelation,
} from "../metrics/fourier-ring-correlation.ts";
import { type ErrorEstimate, errorEstimate, total } from "../metrics/intervals.ts";
import { type IntensityBin, type Line, linearity, lineThrough } from "../metrics/linearity.ts";
import type { PlaneShape } from "../metrics/local-moments.ts";
import type { NoisyReferences } from "../metrics/noisy-references.ts";
import { crossCorrelation, type Shift } from "../metrics/phase-correlation.ts";
import { ssimDefinitions, ssimStream } from "../metrics/structural-similarity.ts";
import { blockErrors } from "../metrics/unbiased-error.ts";
import { type Random, randomOf } from "../simulation/random.ts";
import { localDifferences } from "./local-differences.ts";
import type { FieldSurvey } from "./survey-field.ts";

/** Everything that is said of one kind of image (raw or denoised) at one level. Errors are squared grey values. */
export interface ImageMeasurement {
  /** Against the unseen truth; absent with a single reference. */
  readonly error?: ErrorEstimate;
  /** Against the mean of the references, whose noise it contains. */
  readonly naiveError: number;
  /** Noise variance of the image itself, from draw to draw; absent for a single draw. */
  readonly variance?: number;
  /** `error - variance`: what stays however often one repeats. May come out below 0 by noise. */
  readonly squaredBias?: number;
  /** Against the mean of the references, so too low by their noise. First draw. */
  readonly ssim: Readonly<Record<SsimName, number>>;
  /** First draw against the mean of the references. */
  readonly correlation: CorrelationCurve;
  /** Pixels per cycle where the correlation falls below 1/7; absent where it never does. */
  readonly resolutionPixels?: number;
  /** Image against reference by intensity. */
  readonly intensityBins: readonly IntensityBin[];
  /** Gain and offset of large structures: block means of image against block means of reference. */
  readonly line: Line;
  /** Standard error of `line.slope`, from its two halves of blocks. */
  readonly slopeError: number;
  /** Of the image against the references. */
  readonly shift: Shift;
  readonly detail: readonly DetailBand[];
  /** Share of 8 x 8 squares whose mean differs from the reference by more than 4 standard deviations of noise. */
  readonly beyondNoise?: number;
}

type SsimName = keyof typeof ssimDefinitions;

export function imageMeter(
  shape: PlaneShape,
  survey: FieldSurvey,
  draws: number,
  shift: Shift,
  seed: number,
) {
  const grid = blockGrid(shape);
  const random: Random = randomOf(seed, 11);
  const dataRange = survey.high - survey.low;
  const errors = Array.from({ length: draws }, () => blockErrors(grid));
  const rings = ringCorrelation(shape);
  const intensities = linearity(survey.intensityEdges);
  const detail = detailTransfer(shape, shift);
  const differences = localDifferences(shape);
  const blocks = blockMeans(grid);
  const similarities = Object.entries(ssimDefinitions).map(
    ([name, definition]) => [name, ssimStream(definition, shape, dataRange)] as const,
  );
  let variance = 0;
  let planes = 0;

  return {
    /** The next plane: one image per draw, and what they are judged by. */
    add(images: readonly Float32Array[], references: NoisyReferences): void {
      const first = images[0];
      if (first === undefined) return;
      images.forEach((image, draw) => {
        errors[draw]?.add(image, references);
        intensities.add(image, references);
      });
      rings.add(first, references.mean);
      for (const [, stream] of similarities) stream.add(first, references.mean);
      detail.add(images, references);
      differences.add(images, references);
      blocks.add(images, references.mean);
      variance += varianceBetween(images);
      planes += 1;
    },
    finish(borrowedVariance?: number): ImageMeasurement {
      const sums = errors.map((error) => error.sums());
      const pixels = shape.height * shape.width * planes;
      const naiveError = sums.reduce((sum, { naive }) => sum + total(naive), 0) / (sums.length * pixels);
      const error = errorEstimate(sums, random, borrowedVariance);
      const ofImage = draws > 1 ? variance / pixels : undefined;
      const curve = rings.curve();
      return {
        naiveError,
        ...present({
          error,
          variance: ofImage,
          squaredBias: error && ofImage !== undefined ? error.value - ofImage : undefined,
          resolutionPixels: resolutionPixels(curve),
          beyondNoise: differences.beyondNoise(),
        }),
        ssim: Object.fromEntries(similarities.map(([name, stream]) => [name, stream.finish()])) as Record<
          SsimName,
          number
        >,
        correlation: curve,
        intensityBins: intensities.bins(),
        ...blocks.line(),
        shift,
        detail: detail.bands(random),
      };
    },
  };
}

/**
 * By how much a model moved an image: its shift against the reference, less that of the raw image, which drift or a
 * second camera may have moved. None where they have nothing in common to tell it by.
 */
export function shiftByModel(
  reference: Float32Array,
  raw: Float32Array,
  image: Float32Array,
  shape: PlaneShape,
): Shift {
  const before = crossCorrelation(reference, raw, shape);
  const after = crossCorrelation(reference, image, shape);
  const farthest = Math.min(shape.height, shape.width) / 8;
  const known = [before, after].every(({ y, x }) => Math.hypot(y, x) < farthest);
  return known ? { y: after.y - before.y, x: after.x - before.x } : { y: 0, x: 0 };
}

function varianceBetween(images: readonly Float32Array[]): number {
  if (images.length < 2) return 0;
  let sum = 0;
  for (let at = 0; at < (images[0]?.length ?? 0); at += 1) {
    let mean = 0;
    for (const image of images) mean += (image[at] ?? 0) / images.length;
    for (const image of images) sum += ((image[at] ?? 0) - mean) ** 2 / (images.length - 1);
  }
  return sum;
}

/** Means of each block of each plane, image (mean over draws) and reference, for a line that noise does not bend. */
function blockMeans(grid: BlockGrid) {
  const images: number[] = [];
  const references: number[] = [];
  return {
    add(draws: readonly Float32Array[], reference: Float32Array) {
      const ofDraws = draws.map((image) => blockMeansOf(image, grid));
      blockMeansOf(reference, grid).forEach((mean, block) => {
        references.push(mean);
        images.push(ofDraws.reduce((sum, means) => sum + (means[block] ?? 0), 0) / draws.length);
      });
    },
    line(): { line: Line; slopeError: number } {
      const half = (parity: number) => {
        const chosen = (_: number, at: number) => at % 2 === parity;
        return lineThrough(references.filter(chosen), images.filter(chosen));
      };
      return {
        line: lineThrough(references, images),
        slopeError: Math.abs(half(0).slope - half(1).slope) / 2,
      };
    },
  };
}
