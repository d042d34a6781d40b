import { intensityMapOf, type StackLevels } from "../../core/intensity-map.ts";
import { isStatistical, type Measuring, type Operator, pointwise, resolved } from "../../core/operators.ts";
import type { Normalization } from "../../core/package-settings.ts";
import type { Tensor64 } from "../../core/tensor.ts";

/**
 * A zoo model's operators on one small tensor, the straightforward way: it checks test tensors. (Stacks go through them
 * plane by plane in `runtime/`; a test holds the two against each other.) `axes` names those of the tensor, slowest first,
 * of one channel, depth before y before x; all but y and x together count planes, wherever the channel stands. `input`
 * is the unprocessed input, in the same order.
 */
export async function applyOperators(
  operators: readonly Operator[],
  tensor: Tensor64,
  input: Tensor64,
  axes: string,
): Promise<Tensor64> {
  const planeVoxels = lengthOf(tensor, axes, "y") * lengthOf(tensor, axes, "x");
  let data = tensor.data;
  for (const operator of operators) {
    const next = new Float64Array(data.length);
    for (const [first, end] of partsOf(operator, data.length, planeVoxels)) {
      const part = data.subarray(first, end);
      const step = await resolved(operator, part, input.data.subarray(first, end), measuring);
      next.set(part.map(pointwise(step)), first);
    }
    data = next;
  }
  return { shape: tensor.shape, data };
}

function lengthOf({ shape }: Tensor64, axes: string, letter: "y" | "x"): number {
  return shape[axes.indexOf(letter)] ?? 1;
}

function partsOf(operator: Operator, voxels: number, planeVoxels: number): [first: number, end: number][] {
  const length = isStatistical(operator) && operator.scope === "plane" ? planeVoxels : voxels;
  return Array.from({ length: voxels / length }, (_, i) => [i * length, (i + 1) * length]);
}

const measuring: Measuring<Float64Array> = {
  moments(values) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { mean, deviation: Math.sqrt(squares / values.length) };
  },
  percentiles(values, low, high) {
    // Of float32 values, as a stack's are: where values are nearly equal, the rounding shows in the result.
    const single = values.map(Math.fround);
    return { low: percentile(single, low), high: percentile(single, high) };
  },
};

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
    max: percentile(values, 100),
  };
}

/** numpy.percentile, method `linear`: position (n - 1) · q / 100 between two order statistics. */
function percentile(values: Float64Array, q: number): number {
  const sorted = values.slice().sort();
  const position = ((sorted.length - 1) * q) / 100;
  const below = Math.floor(position);
  const lower = sorted[below] ?? 0;
  const upper = sorted[Math.min(below + 1, sorted.length - 1)] ?? lower;
  return lower + (upper - lower) * (position - below);
}
