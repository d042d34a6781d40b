/**
 * The operators of bioimage.io model descriptions (formats 0.4 and 0.5) that stand before and after a network, for one
 * channel. Source: bioimage-io/spec-bioimage-io, preprocessing and postprocessing.
 */
export type Operator = PointwiseOperator | StatisticalOperator;

export type PointwiseOperator =
  | { readonly name: "scale_linear"; readonly gain: number; readonly offset: number }
  | { readonly name: "clip"; readonly min: number; readonly max: number }
  | { readonly name: "sigmoid" };

/** Operators that need to know the whole image first. */
export type StatisticalOperator =
  | {
      /** `(x - mean) / (deviation + eps)`, the deviation that of a population. */
      readonly name: "zero_mean_unit_variance";
      readonly eps: number;
      readonly scope: Scope;
    }
  | {
      /** `(x - low) / (high - low + eps)`, low and high percentiles (0 to 100, numpy's `linear`). */
      readonly name: "scale_range";
      readonly low: number;
      readonly high: number;
      readonly eps: number;
      readonly scope: Scope;
      /** Whose percentiles: of what comes in at this step, or of the unprocessed input. */
      readonly of: "itself" | "input";
    }
  | {
      /** `(x - mean) / (deviation + eps) · (deviation of the input + eps) + mean of the input`. */
      readonly name: "scale_mean_variance";
      readonly eps: number;
      readonly scope: Scope;
    };

/** What statistics are taken over: each plane `[Y, X]` by itself, or the whole stack. */
export type Scope = "plane" | "stack";

/** Lengths that a network takes along one axis: `min + n · step`, n = 0, 1, …; a step of 0 is one length only. */
export interface AxisSizes {
  readonly min: number;
  readonly step: number;
}

/** Whether the network takes a single element along the axis, and no more. */
export function isOne({ min, step }: AxisSizes): boolean {
  return min === 1 && step === 0;
}

export function isStatistical(operator: Operator): operator is StatisticalOperator {
  return (
    operator.name === "zero_mean_unit_variance" ||
    operator.name === "scale_range" ||
    operator.name === "scale_mean_variance"
  );
}

/** The smallest length that the network takes and that is not below `length`; the only one where there is but one. */
export function smallestFitting({ min, step }: AxisSizes, length: number): number {
  return step === 0 || length <= min ? min : min + Math.ceil((length - min) / step) * step;
}

/** The largest length that the network takes and that is not above `length`; the smallest one where all are. */
export function largestFitting({ min, step }: AxisSizes, length: number): number {
  return step === 0 || length <= min ? min : min + Math.floor((length - min) / step) * step;
}

/** One number in, one out; in double precision. */
export type Pointwise = (value: number) => number;

export function pointwise(operator: PointwiseOperator): Pointwise {
  switch (operator.name) {
    case "scale_linear": {
      const { gain, offset } = operator;
      return (value) => value * gain + offset;
    }
    case "clip": {
      const { min, max } = operator;
      return (value) => (value < min ? min : value > max ? max : value);
    }
    case "sigmoid":
      return (value) => 1 / (1 + Math.exp(-value));
  }
}

export interface Moments {
  readonly mean: number;
  /** Of the population. */
  readonly deviation: number;
}

export interface Percentiles {
  readonly low: number;
  readonly high: number;
}

/** Tells of a part of an image what statistical operators need to know. */
export interface Measuring<Part> {
  readonly moments: (part: Part) => Moments | Promise<Moments>;
  readonly percentiles: (part: Part, low: number, high: number) => Percentiles | Promise<Percentiles>;
}

/** The operator with its statistics put in: those of what comes in at this step, or of the unprocessed `input`. */
export async function resolved<Part>(
  operator: Operator,
  itself: Part,
  input: Part,
  { moments, percentiles }: Measuring<Part>,
): Promise<PointwiseOperator> {
  if (!isStatistical(operator)) return operator;
  const { eps } = operator;
  switch (operator.name) {
    case "zero_mean_unit_variance": {
      const { mean, deviation } = await moments(itself);
      return linear(mean, 1 / (deviation + eps), 0);
    }
    case "scale_mean_variance": {
      const { mean, deviation } = await moments(itself);
      const wanted = await moments(input);
      return linear(mean, (wanted.deviation + eps) / (deviation + eps), wanted.mean);
    }
    case "scale_range": {
      const of = operator.of === "input" ? input : itself;
      const { low, high } = await percentiles(of, operator.low, operator.high);
      return linear(low, 1 / (high - low + eps), 0);
    }
  }
}

function linear(from: number, gain: number, to: number): PointwiseOperator {
  return { name: "scale_linear", gain, offset: to - from * gain };
}
