import { median } from "../../core/median.ts";
import type { Intensity } from "../../core/package-settings.ts";
import type { PairMeasure } from "./pair-sums.ts";

/** Structure as high as in the input within this share is taken as kept: a network that smooths loses some of it. */
const gainTolerance = 0.1;
/** Of the clean image's range. */
const shiftTolerance = 0.02;

/** What a model's output intensities mean, seen from pairs, and why. All gains and offsets are those of `PairMeasure`. */
export function fitIntensity(pairs: readonly PairMeasure[]): { intensity: Intensity; reason: string } {
  const gains = pairs.map(({ gain }) => gain);
  const gain = median(gains);
  const shift = median(pairs.map((pair) => Math.abs(pair.shift)));
  const spread = `${gain.toPrecision(3)} (${Math.min(...gains).toPrecision(3)} to ${Math.max(...gains).toPrecision(3)})`;
  if (Math.abs(gain - 1) <= gainTolerance && shift <= shiftTolerance) {
    return {
      intensity: { meaning: "preserved" },
      reason: `the gain back to the input's units is ${spread}, the mean is off by ${(100 * shift).toPrecision(2)} % of the range`,
    };
  }
  const agree = gains.every((one) => Math.abs(one / gain - 1) <= gainTolerance);
  if (agree && pairs.length > 1) {
    const offset = median(pairs.map((pair) => pair.offset));
    return {
      intensity: { meaning: "affine", gain, offset },
      reason: `all pairs agree on the gain back to the input's units: ${spread}`,
    };
  }
  return {
    intensity: { meaning: "uncalibrated" },
    reason:
      pairs.length > 1
        ? `the pairs do not agree on a gain back to the input's units: ${spread}`
        : `one pair alone has a gain of ${spread}; more are needed to trust it`,
  };
}
