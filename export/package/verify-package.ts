import { verificationError } from "../../core/errors.ts";
import { type ModelPackage, ownAxes, type ZooModel } from "../../core/package-settings.ts";
import { doubled, single, type Tensor, type Tensor64 } from "../../core/tensor.ts";
import { readNpyTensor } from "../../formats/npy.ts";
import { applyNormalization, applyOperators } from "./apply-operators.ts";
import type { PackageFacts } from "./describe-model.ts";

/** Runs the package's network on one input, `[B, T, 1, H, W]`; whoever calls decides where (provider, process). */
type RunNetwork = (input: Tensor) => Promise<Tensor>;

export interface TensorComparison {
  /** Largest |measured - expected|. */
  readonly largestDifference: number;
  /** Elements with |measured - expected| > atol + rtol · |expected|. */
  readonly missed: number;
  /** Standard deviation of the expected values, to judge the difference by. */
  readonly expectedDeviation: number;
}

/** Two tensors of one shape. NaN anywhere counts as infinitely far. As numpy.allclose: |a - b| <= atol + rtol · |b|. */
export function compareTensors(
  measured: Tensor,
  expected: Tensor,
  atol: number,
  rtol: number,
): TensorComparison {
  let largestDifference = 0;
  let missed = 0;
  let sum = 0;
  let squares = 0;
  for (const [i, want] of expected.data.entries()) {
    const difference = Math.abs((measured.data[i] ?? Number.NaN) - want);
    if (!(difference <= atol + rtol * Math.abs(want))) missed += 1;
    largestDifference = Math.max(
      largestDifference,
      Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference,
    );
    sum += want;
    squares += want * want;
  }
  const mean = sum / expected.data.length;
  return {
    largestDifference,
    missed,
    expectedDeviation: Math.sqrt(Math.max(squares / expected.data.length - mean * mean, 0)),
  };
}

/** |measured - expected| <= absolute + relative · |expected|, but for some elements. */
type Tolerance = ZooModel["tolerance"];

/** What was compared was right, within this. */
export interface Verified extends TensorComparison {
  readonly tolerance: Tolerance;
}

/**
 * The package's own proof: its test input, normalized as its settings say, through the network as it runs here, must
 * give its test output, which the float64 forward pass made; for a zoo model, through its own operators before and
 * after, within the tolerance that it states. Throws `EdgeError` (`verification`) when it does not.
 */
export async function verifyPackage(model: ModelPackage, run: RunNetwork): Promise<Verified> {
  const samples = doubled(await readNpyTensor(model.testInputFile));
  const expected = await readNpyTensor(model.testOutputFile);
  refuseOtherAxes(model, samples, expected);
  const { zoo } = model;
  if (zoo !== undefined) {
    const input = await applyOperators(zoo.before, samples, samples, zoo.inputAxes);
    const output = doubled(await run(single(input)));
    refuseOtherShape(model, output, expected);
    const measured = await applyOperators(zoo.after, output, samples, zoo.outputAxes);
    return compared(model, single(measured), expected, zoo.tolerance);
  }
  const tolerance = absoluteTolerance(model.settings.test_tolerance);
  refuseLargeTolerance(model, expected);
  const input = single(applyNormalization(model.settings.normalization, samples));
  return verifyAgainst(model, run, input, expected, tolerance);
}

export function absoluteTolerance(absolute: number, relative = 0): Tolerance {
  return { absolute, relative, mismatchedPerMillion: 0 };
}

/** Compares the network's output on `input` (already normalized) with `expected`; throws when they differ too much. */
export async function verifyAgainst(
  model: ModelPackage,
  run: RunNetwork,
  input: Tensor,
  expected: Tensor,
  tolerance: Tolerance,
): Promise<Verified> {
  const measured = await run(input);
  refuseOtherShape(model, measured, expected);
  return compared(model, measured, expected, tolerance);
}

function compared(model: ModelPackage, measured: Tensor, expected: Tensor, tolerance: Tolerance): Verified {
  const { absolute, relative, mismatchedPerMillion } = tolerance;
  const comparison = compareTensors(measured, expected, absolute, relative);
  const allowed = (mismatchedPerMillion / 1e6) * expected.data.length;
  if (comparison.missed > allowed) throw differs(model, comparison, tolerance);
  return { ...comparison, tolerance };
}

/** A package that allows itself more than an export would is not proven by its test tensors. */
function refuseLargeTolerance(model: ModelPackage, expected: Tensor): void {
  const stated = model.settings.test_tolerance;
  const deviation = standardDeviation(expected);
  const largest = Math.max(toleranceFor(expected, {}), toleranceFor(expected, { precision: "fp16" }));
  // One that was written down with fewer digits is no larger one.
  if (stated <= largest * (1 + 1e-6)) return;
  throw verificationError("the package states a larger tolerance than an export does", {
    code: "verify-tolerance",
    file: model.dir,
    found: `a tolerance of ${stated}`,
    allowed: `at most ${largest.toPrecision(3)}, for a standard deviation of its test output of ${deviation.toPrecision(3)}`,
    remedy: "Export it again from the checkpoint",
  });
}

/** The test tensors must have the axes that the description states, of one channel and the same lengths. */
function refuseOtherAxes({ dir, zoo }: ModelPackage, input: Tensor64, expected: Tensor): void {
  const [inputAxes, outputAxes] = [zoo?.inputAxes ?? ownAxes, zoo?.outputAxes ?? ownAxes];
  const fits =
    input.shape.length === inputAxes.length &&
    expected.shape.length === outputAxes.length &&
    input.shape[inputAxes.indexOf("c")] === (inputAxes.includes("c") ? 1 : undefined) &&
    [...outputAxes].every((letter, k) => (input.shape[inputAxes.indexOf(letter)] ?? 1) === expected.shape[k]);
  if (fits) return;
  throw verificationError("the test tensors do not match the description", {
    code: "verify-axes",
    file: dir,
    found: `input [${input.shape.join(", ")}], output [${expected.shape.join(", ")}]`,
    allowed: `axes ${inputAxes} and ${outputAxes}, one channel, equal lengths`,
    remedy: zoo === undefined ? "Export it again from the checkpoint" : "Download the model again",
  });
}

function refuseOtherShape(
  model: ModelPackage,
  measured: Pick<Tensor, "shape">,
  expected: Pick<Tensor, "shape">,
): void {
  if (measured.shape.join() === expected.shape.join()) return;
  throw verificationError("the network's output has another shape than expected", {
    code: "verify-shape",
    file: model.dir,
    found: `[${measured.shape.join(", ")}]`,
    allowed: `[${expected.shape.join(", ")}]`,
    remedy: "The input and the expected output may not belong together",
  });
}

function differs(model: ModelPackage, { largestDifference }: TensorComparison, tolerance: Tolerance) {
  return verificationError("the model does not compute what it should", {
    code: "verify-differs",
    file: model.dir,
    found: `a difference of ${largestDifference.toPrecision(3)}`,
    allowed: `at most ${toleranceWords(tolerance)}`,
    remedy:
      model.zoo === undefined
        ? "Do not use this package here: export it again from the checkpoint with the JSON of its own training, or try another provider"
        : "Do not use this model here: download it again, or try another provider",
  });
}

/** "0.001 + 0.001 of the expected value, except for 100 values in a million" */
export function toleranceWords({ absolute, relative, mismatchedPerMillion }: Tolerance): string {
  const ofExpected = relative === 0 ? "" : ` + ${shown(relative)} of the expected value`;
  const butFor = mismatchedPerMillion === 0 ? "" : `, except for ${mismatchedPerMillion} values in a million`;
  return `${shown(absolute)}${ofExpected}${butFor}`;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(3)));
}

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
const largeTileTolerance = 0.01;

/** Half precision: of the output's standard deviation. */
const halfTolerance = 0.02;

/** The tolerance that an export states for this output of its test. */
export function toleranceFor(
  output: Tensor,
  { precision, staticShape }: Pick<PackageFacts, "precision" | "staticShape">,
): number {
  const deviation = standardDeviation(output);
  if (precision === "fp16") return halfTolerance * deviation;
  if (staticShape !== undefined) return Math.max(singleTolerance, largeTileTolerance * deviation);
  return singleTolerance * Math.max(1, deviation);
}

function standardDeviation({ data }: Tensor): number {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  return Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
}
