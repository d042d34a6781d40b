import { present } from "../core/record.ts";
import { meetsTarget } from "./answer/answer.ts";
import type { Target } from "./answer/target.ts";
import { verdictsOf } from "./answer/verdicts.ts";
import { type Worth, worthOf } from "./answer/worth.ts";
import type { ImageMeasurement } from "./measure/measure-images.ts";
import type { LevelMeasurement } from "./measure/measure-level.ts";
import { psnrOf } from "./metrics/mean-squared-error.ts";
import type { CalibrationImage, CalibrationLevel } from "./result/result.ts";

export interface LevelContext {
  readonly dataRange: number;
  readonly scanVariance?: number | undefined;
  readonly pixelSizeUm?: number | undefined;
  readonly target?: Target | undefined;
}

/** Measurements in the words of `calibration.json`. */
export function describeLevels(
  levels: readonly LevelMeasurement[],
  context: LevelContext,
): readonly CalibrationLevel[] {
  const { target, scanVariance, dataRange } = context;
  const described = levels.map((level) => ({
    averages: level.averages,
    draws: level.draws,
    references: level.references,
    raw: describeImage(level.raw, context),
    denoised: describeImage(level.denoised, context),
    verdicts: [...verdictsOf(level)],
    noise_to_signal: Number.isFinite(level.inputNoise.noiseToSignal) ? level.inputNoise.noiseToSignal : null,
    removed: level.removed,
  }));
  if (target === undefined) return described;
  return described.map((level) => ({
    ...level,
    meets_target: meetsTarget(level, described, target, scanVariance, dataRange),
  }));
}

function describeImage(image: ImageMeasurement, context: LevelContext): CalibrationImage {
  const { dataRange, scanVariance, pixelSizeUm } = context;
  const { error, variance, squaredBias, beyondNoise, resolutionPixels, correlation } = image;
  const resolutionUm = pixelSizeUm && resolutionPixels && resolutionPixels * pixelSizeUm;
  return {
    ...(error === undefined
      ? {}
      : {
          mean_squared_error: { value: error.value, low: error.low, high: error.high },
          interval_allows_for: error.allowsFor,
          psnr_db: {
            value: error.value > 0 ? psnrOf(error.value, dataRange) : null,
            low: error.high > 0 ? psnrOf(error.high, dataRange) : null,
            high: error.low > 0 ? psnrOf(error.low, dataRange) : null,
            at_least: error.low <= 0,
          },
          ...(scanVariance === undefined ? {} : { worth_scans: describeWorth(worthOf(error, scanVariance)) }),
        }),
    naive_mean_squared_error: image.naiveError,
    naive_psnr_db: image.naiveError > 0 ? psnrOf(image.naiveError, dataRange) : null,
    ...present({ variance, squared_bias: squaredBias }),
    ssim_biased_by_reference_noise: {
      published_7x7: image.ssim.published,
      published_7x7x7: image.ssim.published3d,
      scikit_image_gaussian: image.ssim.scikitImage,
    },
    ring_correlation: {
      cycles_per_px: [...correlation.frequencies],
      correlation: [...correlation.correlations],
    },
    ...present({ resolution_px: resolutionPixels, resolution_um: resolutionUm }),
    intensity_slope: image.line.slope,
    intensity_offset: image.line.offset,
    intensity_bins: [...image.intensityBins],
    shift: { y_px: image.shift.y, x_px: image.shift.x },
    detail: image.detail.map(({ from, to, weight, gain, added, accountedFor }) => ({
      from_cycles_per_px: from,
      to_cycles_per_px: to,
      share_of_detail: weight,
      ...present({ gain, added_share: added, accounted_for: accountedFor }),
    })),
    ...present({ squares_beyond_noise: beyondNoise }),
  };
}

function describeWorth({ value, low, high, atLeast }: Worth): NonNullable<CalibrationImage["worth_scans"]> {
  const finite = (number: number) => (Number.isFinite(number) ? number : null);
  return { value: finite(value), low: finite(low), high: finite(high), at_least: atLeast };
}
