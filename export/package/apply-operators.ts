import {
  isStatistical,
  type Moments,
  matched,
  type Operator,
  type PointwiseOperator,
  pointwise,
  type Scope,
  type StatisticalOperator,
  scaledRange,
  standardized,
} from "../../core/operators.ts";
import type { Tensor64 } from "../../core/tensor.ts";
import { percentile } from "./apply-normalization.ts";

/**
 * A zoo model's operators on one small tensor, the straightforward way: it checks test tensors. (Stacks go through them
 * plane by plane in `runtime/`; a test holds the two against each other.) `axes` names those of the tensor, slowest first,
 * of one channel, depth before y before x; all but y and x together count planes, wherever the channel stands. `input`
 * is the unprocessed input, in the same order.
 */
export function applyOperators(
  operators: readonly Operator[],
  tensor: Tensor64,
  input: Tensor64,
  axes: string,
): Tensor64 {
  const planeVoxels = lengthOf(tensor, axes, "y") * lengthOf(tensor, axes, "x");
  let data = tensor.data;
  for (const operator of operators) {
    const next = new Float64Array(data.length);
    for (const [first, end] of partsOf(operator, data.length, planeVoxels)) {
      const part = data.subarray(first, end);
      const step = isStatistical(operator)
        ? resolved(operator, part, input.data.subarray(first, end))
        : operator;
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
  const scope: Scope = isStatistical(operator) ? operator.scope : "stack";
  const length = scope === "plane" ? planeVoxels : voxels;
  return Array.from({ length: voxels / length }, (_, i) => [i * length, (i + 1) * length]);
}

function resolved(operator: StatisticalOperator, own: Float64Array, input: Float64Array): PointwiseOperator {
  switch (operator.name) {
    case "zero_mean_unit_variance":
      return standardized(moments(own), operator.eps);
    case "scale_mean_variance":
      return matched(moments(own), moments(input), operator.eps);
    case "scale_range": {
      // Of float32 values, as a stack's are: where values are nearly equal, the rounding shows in the result.
      const of = Float64Array.from(operator.of === "input" ? input : own, Math.fround);
      return scaledRange(
        { low: percentile(of, operator.low), high: percentile(of, operator.high) },
        operator.eps,
      );
    }
  }
}

function moments(values: Float64Array): Moments {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / values.length) };
}
