import type { NoiseReference } from "../../runtime/intensity/noise-check.ts";
import type { Calibration } from "../result/result.ts";

/**
 * The level that acquisitions are held against: the one that the answer advised, or the lowest. Undefined where the
 * calibrated field had no signal.
 */
export function noiseReferenceOf({ levels, answer, id }: Calibration): NoiseReference | undefined {
  const advised = answer.averages_needed ?? answer.averages_likely_needed;
  const level = levels.find(({ averages }) => averages === advised) ?? levels[0];
  if (level === undefined || level.noise_to_signal === null || level.noise_to_signal <= 0) return undefined;
  return { calibration: id, averages: level.averages, noiseToSignal: level.noise_to_signal };
}
