import type { Samples } from "../../core/acquisition.ts";
import { usageError } from "../../core/errors.ts";

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
