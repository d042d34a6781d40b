import type { Samples } from "../../core/acquisition.ts";
import { usageError } from "../../core/errors.ts";

/** Sums squared differences plane by plane. */
export interface SquaredErrorSum {
  /** Both `[Y, X]`, of equal length. */
  readonly add: (image: Samples, reference: Samples) => void;
  /** Mean over all pixels added; NaN before the first. */
  readonly mean: () => number;
}

/** The mean squared error as everybody computes it: against a reference taken for the truth, whose noise it contains. */
export function squaredErrorSum(): SquaredErrorSum {
  let sum = 0;
  let count = 0;
  return {
    add(image, reference) {
      refuseUnequal(image, reference);
      for (let at = 0; at < image.length; at += 1) {
        const difference = (image[at] ?? 0) - (reference[at] ?? 0);
        sum += difference * difference;
      }
      count += image.length;
    },
    mean: () => sum / count,
  };
}

/**
 * Peak signal-to-noise ratio in dB, `10 log10(dataRange² / mse)`: scikit-image's `peak_signal_noise_ratio`, and the
 * published PSNR where intensities are scaled to a range of 1. +Infinity for an error of 0; NaN below 0.
 */
export function psnrOf(meanSquaredError: number, dataRange: number): number {
  return 10 * Math.log10((dataRange * dataRange) / meanSquaredError);
}

/** The mean squared error that a PSNR stands for. */
export function meanSquaredErrorOf(psnrDb: number, dataRange: number): number {
  return (dataRange * dataRange) / 10 ** (psnrDb / 10);
}

export function refuseUnequal(image: Samples, reference: Samples): void {
  if (image.length === reference.length) return;
  throw usageError("two images of different size cannot be compared", {
    code: "compare-sizes",
    found: `${image.length} and ${reference.length} pixels`,
    remedy: "Compare files that show the same field in the same size",
  });
}
