import type { Pointwise } from "./operators.ts";
import type { Normalization } from "./package-settings.ts";

/** How one stack's samples become network input: `(sample - low) / range`, then clipped to [0, 1] where `clip`. */
export interface IntensityMap {
  readonly low: number;
  /** Greater than 0. */
  readonly range: number;
  readonly clip: boolean;
  /** In place of all that, for a model of the zoo: each plane's own operators. */
  readonly operators?: (depth: number) => Pointwise;
}

/** What a percentile normalization needs to know of a stack. */
export interface StackLevels {
  readonly low: number;
  readonly high: number;
  readonly max: number;
}

/**
 * The map of a stack, the same for `denoise` and `verify`. Where both percentiles are equal (an almost empty stack) the
 * distance from them to the largest sample takes their place, and 1 where the stack is constant. The published code
 * (CNNT_Microscopy, `normalize_image`) divides by zero there. `levels` is needed for percentiles only.
 */
export function intensityMapOf(normalization: Normalization, levels?: StackLevels): IntensityMap {
  if (normalization.kind === "none") return { low: 0, range: 1, clip: false };
  const { clip } = normalization;
  if (normalization.kind === "fixed") {
    const range = normalization.high - normalization.low;
    return { low: normalization.low, range: range > 0 ? range : 1, clip };
  }
  if (levels === undefined) return { low: 0, range: 1, clip };
  const { low, high, max } = levels;
  if (high > low) return { low, range: high - low, clip };
  return { low, range: max > low ? max - low : 1, clip };
}
