import type { NoiseEstimate } from "./metrics/noise-estimate.ts";
import type { Calibration } from "./result.ts";

/** How an incoming acquisition's noise stands against the calibration that its folder is run by. */
export interface PinnedCheck {
  readonly noisier: boolean;
  /** noise/signal of the acquisition over that of the calibrated level. */
  readonly ratio: number;
  /** The level that the answer advised, or the lowest. */
  readonly averages: number;
  /** For a person; present where there is something to say. */
  readonly warning?: string;
}

/** Fields of one sample differ in how much they hold; a quarter more noise per signal is beyond that. */
const allowedRatio = 1.25;

/**
 * Compares an acquisition's own noise estimate (noise-estimate.ts) with that of the same estimate on the inputs that
 * were calibrated. It warns of less light than was calibrated; it cannot tell a dim field from a dim laser.
 */
export function checkAgainstPinned(
  noise: NoiseEstimate,
  { levels, answer, id }: Calibration,
): PinnedCheck | undefined {
  const wanted = answer.averages_needed ?? answer.averages_likely_needed;
  const level = levels.find(({ averages }) => averages === wanted) ?? levels[0];
  if (level === undefined || !(level.noise_to_signal > 0) || !Number.isFinite(noise.noiseToSignal))
    return undefined;
  const ratio = noise.noiseToSignal / level.noise_to_signal;
  const noisier = ratio > allowedRatio;
  return {
    noisier,
    ratio,
    averages: level.averages,
    ...(noisier
      ? {
          warning: `noisier than what was calibrated: noise is ${(100 * noise.noiseToSignal).toFixed(1)} % of the signal, ${ratio.toFixed(1)} times that of calibration ${id} at ${level.averages} averages. Check laser, gain and averaging, or calibrate again`,
        }
      : {}),
  };
}
