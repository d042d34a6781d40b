import { intensityMapOf, type StackLevels } from "../../core/intensity-map.ts";
import type { Normalization } from "../../core/package-settings.ts";
import type { Tensor64 } from "../../core/tensor.ts";

/**
 * A package's normalization on one small tensor of sample values, the straightforward way: it makes and checks test
 * tensors. (Stacks are normalized plane by plane in `runtime/`; a test holds the two against each other.)
 */
export function applyNormalization(normalization: Normalization, samples: Tensor64): Tensor64 {
  if (normalization.kind === "none") return samples;
  const { low, range, clip } = intensityMapOf(normalization, levelsOf(normalization, samples.data));
  const data = samples.data.map((value) => {
    const scaled = (value - low) / range;
    return clip ? Math.min(Math.max(scaled, 0), 1) : scaled;
  });
  return { shape: samples.shape, data };
}

function levelsOf(normalization: Normalization, values: Float64Array): StackLevels | undefined {
  if (normalization.kind !== "percentile") return undefined;
  return {
    low: percentile(values, normalization.low),
    high: percentile(values, normalization.high),
    min: percentile(values, 0),
    max: percentile(values, 100),
  };
}

/** numpy.percentile, method `linear`: position (n - 1) · q / 100 between two order statistics. */
export function percentile(values: Float64Array, q: number): number {
  const sorted = values.slice().sort();
  const position = ((sorted.length - 1) * q) / 100;
  const below = Math.floor(position);
  const lower = sorted[below] ?? 0;
  const upper = sorted[Math.min(below + 1, sorted.length - 1)] ?? lower;
  return lower + (upper - lower) * (position - below);
}
