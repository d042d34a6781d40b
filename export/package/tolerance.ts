import type { Tensor } from "../../core/tensor.ts";

/**
 * How far a network's output may be from the float64 pass.
 *
 * float32 networks of this kind agree with it to some 1e-5 (of outputs near 1); a wrong weight shows at 1e-3 and above.
 * Absolute, and of the output's standard deviation where that is larger than 1: a small tensor in float32 has the digits
 * of its largest values.
 */
export const singleTolerance = 1e-4;
/**
 * On a full tile two float32 runs of one network differ by rounding alone (sums over 10^5 pixels): of the output's
 * standard deviation, 0.4 % was measured between ONNX Runtime's optimization levels on 24 x 256 x 256.
 */
export const largeTileTolerance = 0.01;
/** Half precision: of the output's standard deviation. */
export const halfTolerance = 0.02;

export function smallTolerance(deviation: number): number {
  return singleTolerance * Math.max(1, deviation);
}

/** The largest that any package of ours may state. */
export function largestTolerance(deviation: number): number {
  return Math.max(smallTolerance(deviation), halfTolerance * deviation);
}

export function standardDeviation({ data }: Tensor): number {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  return Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
}
