import type { LevelMeasurement } from "../measure/measure-level.ts";
import type { ErrorEstimate, Estimate } from "../metrics/intervals.ts";

/** How many scans a raw average must have to be as near to the truth. Infinite where the error may be 0. */
export interface Worth extends Estimate {
  /** Whether `high` is unknown because the error's interval reaches 0. */
  readonly atLeast: boolean;
}

/**
 * Noise variance of a single scan. Averaging n scans leaves 1/n of it, which is the raw curve that denoised images
 * are held against. From all levels, each weighted by its degrees of freedom; `averagesOfReference` is the number of
 * scans in one reference image. Undefined where no level has two references.
 */
export function singleScanVariance(
  levels: readonly Pick<LevelMeasurement, "referenceVariance" | "references">[],
  averagesOfReference: number,
): number | undefined {
  let sum = 0;
  let freedom = 0;
  for (const { referenceVariance, references } of levels) {
    if (referenceVariance === undefined) continue;
    sum += referenceVariance * averagesOfReference * (references - 1);
    freedom += references - 1;
  }
  return freedom > 0 ? sum / freedom : undefined;
}

/** Worth of an image with this error, in scans. */
export function worthOf(error: ErrorEstimate, scanVariance: number): Worth {
  const atLeast = error.low <= 0;
  return {
    value: error.value > 0 ? scanVariance / error.value : Number.POSITIVE_INFINITY,
    low: scanVariance / error.high,
    high: atLeast ? Number.POSITIVE_INFINITY : scanVariance / error.low,
    atLeast,
  };
}
