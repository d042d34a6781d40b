import type { NoiseEstimate } from "./noise-estimate.ts";

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
