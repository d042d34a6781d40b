import { z } from "zod";
import type { NoiseEstimate } from "./noise-estimate.ts";

/** What the inputs of a calibration were like: an acquisition with more noise is beyond what it promises. */
export const noiseReferenceSchema = z.strictObject({
  /** Id of the calibration. */
  calibration: z.string(),
  /** Scans averaged in the calibrated level. */
  averages: z.number().positive(),
  /** Of that level's input, by the same estimate (noise-estimate.ts). */
  noiseToSignal: z.number().positive(),
});
export type NoiseReference = z.infer<typeof noiseReferenceSchema>;

/** How one channel of an acquisition stands against the calibration that it is run by. */
const noiseCheckSchema = z.strictObject({
  channel: z.int().nonnegative(),
  calibration: z.string(),
  averages: z.number().positive(),
  /** Both absent where the acquisition has no signal to speak of. */
  noiseToSignal: z.number().nonnegative().exactOptional(),
  /** noise/signal of the acquisition over that of the calibrated level. */
  ratio: z.number().nonnegative().exactOptional(),
  noisier: z.boolean(),
  /** For a person; present where there is something to say. */
  warning: z.string().exactOptional(),
});
export type NoiseCheck = z.infer<typeof noiseCheckSchema>;

/** Fields of one sample differ in how much they hold; a quarter more noise per signal is beyond that. */
const allowedRatio = 1.25;

/** It warns of less light than was calibrated; it cannot tell a dim field from a dim laser. */
export function checkNoise(
  channel: number,
  { noiseToSignal }: NoiseEstimate,
  reference: NoiseReference,
): NoiseCheck {
  const { calibration, averages } = reference;
  const about = { channel, calibration, averages };
  if (!Number.isFinite(noiseToSignal)) {
    return {
      ...about,
      noisier: false,
      warning: `channel ${channel} has no signal above its noise: an empty field or no light. It cannot be compared with calibration ${calibration}`,
    };
  }
  const ratio = noiseToSignal / reference.noiseToSignal;
  const noisier = ratio > allowedRatio;
  return {
    ...about,
    noiseToSignal,
    ratio,
    noisier,
    ...(noisier
      ? {
          warning: `channel ${channel} is noisier than what was calibrated: noise is ${(100 * noiseToSignal).toFixed(1)} % of the signal, ${ratio.toFixed(1)} times that of calibration ${calibration} at ${averages} averages. Check laser, gain and averaging, or calibrate again`,
        }
      : {}),
  };
}

/**
 * Below this contrast (`NoiseEstimate`) noise is taken for structure. Nothing but noise has 3.0 to 3.2; simulated
 * fields at up to 2 photons at the bright end have up to 4.7, at 5 photons 7.3 and more; of the real recordings that
 * were looked at the dimmest has 5.1, and the starter shows specks there that are not in its clean image; all others
 * have 11 and more (docs/denoise.md).
 */
const leastContrast = 6;

/**
 * What to tell of a channel that holds next to nothing: a network makes of the highest peaks of noise what it was
 * trained to see, and on such a field there is nothing brighter. Where the noise could not be estimated (too small, or
 * clipped nearly everywhere) or there is none, nothing is told.
 */
export function littleSignal(channel: number, { noise, contrast }: NoiseEstimate): string | undefined {
  if (!(noise > 0) || contrast === undefined || contrast >= leastContrast) return undefined;
  return (
    `Little signal: bright specks in this result may be noise (channel ${channel}: its brightest thousandth lies ` +
    `${contrast.toFixed(1)} standard deviations of noise above its median; in an empty field it is 3.1)`
  );
}
