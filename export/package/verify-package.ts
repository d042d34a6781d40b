import { verificationError } from "../../core/errors.ts";
import type { ModelPackage, ZooModel } from "../../core/package-settings.ts";
import type { Tensor, Tensor64 } from "../../core/tensor.ts";
import { readNpyTensor } from "../../formats/npy.ts";
import { applyNormalization } from "./apply-normalization.ts";
import { applyOperators } from "./apply-operators.ts";

/** Runs the package's network on one input, `[B, T, 1, H, W]`; whoever calls decides where (provider, process). */
export type RunNetwork = (input: Tensor) => Promise<Tensor>;

export interface Comparison {
  /** Largest |measured - expected|. */
  readonly largestDifference: number;
  /** Elements with |measured - expected| > atol + rtol · |expected|. */
  readonly missed: number;
  /** Standard deviation of the expected values, to judge the difference by. */
  readonly expectedDeviation: number;
}

/** Two tensors of one shape. NaN anywhere counts as infinitely far. As numpy.allclose: |a - b| <= atol + rtol · |b|. */
export function compareTensors(measured: Tensor, expected: Tensor, atol: number, rtol: number): Comparison {
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

/**
 * The package's own proof: its test input, normalized as its settings say, through the network as it runs here, must
 * give its test output, which the float64 forward pass made; for a zoo model, through its own operators before and
 * after, within the tolerance that it states. Throws `EdgeError` (`verification`) when it does not.
 */
export async function verifyPackage(model: ModelPackage, run: RunNetwork): Promise<Comparison> {
  if (model.zoo !== undefined) return verifyZoo(model, model.zoo, run);
  const samples = await readNpyTensor(model.testInputFile);
  const normalized = applyNormalization(model.settings.normalization, {
    shape: samples.shape,
    data: Float64Array.from(samples.data),
  });
  const input = { shape: samples.shape, data: Float32Array.from(normalized.data) };
  const expected = await readNpyTensor(model.testOutputFile);
  return verifyAgainst(model, run, input, expected, model.settings.test_tolerance, 0);
}

async function verifyZoo(model: ModelPackage, zoo: ZooModel, run: RunNetwork): Promise<Comparison> {
  const samples = doubled(await readNpyTensor(model.testInputFile));
  const input = applyOperators(zoo.before, samples, samples);
  const output = doubled(await run({ shape: input.shape, data: Float32Array.from(input.data) }));
  const measured = applyOperators(zoo.after, output, samples);
  const expected = await readNpyTensor(model.testOutputFile);
  const { absolute, relative, mismatchedPerMillion } = zoo.tolerance;
  const result = { shape: measured.shape, data: Float32Array.from(measured.data) };
  refuseOtherShape(model, result, expected);
  const comparison = compareTensors(result, expected, absolute, relative);
  if (comparison.missed > (mismatchedPerMillion / 1e6) * expected.data.length) {
    throw differs(model, comparison, absolute, relative);
  }
  return comparison;
}

function doubled({ shape, data }: Tensor): Tensor64 {
  return { shape, data: Float64Array.from(data) };
}

/** Compares the network's output on `input` (already normalized) with `expected`; throws when they differ too much. */
export async function verifyAgainst(
  model: ModelPackage,
  run: RunNetwork,
  input: Tensor,
  expected: Tensor,
  atol: number,
  rtol: number,
): Promise<Comparison> {
  const measured = await run(input);
  refuseOtherShape(model, measured, expected);
  const comparison = compareTensors(measured, expected, atol, rtol);
  if (comparison.missed > 0) throw differs(model, comparison, atol, rtol);
  return comparison;
}

function refuseOtherShape(model: ModelPackage, measured: Tensor, expected: Tensor): void {
  if (measured.shape.join() === expected.shape.join()) return;
  throw verificationError("the network's output has another shape than expected", {
    code: "verify-shape",
    file: model.dir,
    found: `[${measured.shape.join(", ")}]`,
    allowed: `[${expected.shape.join(", ")}]`,
    remedy: "The input and the expected output may not belong together",
  });
}

function differs(model: ModelPackage, { largestDifference }: Comparison, atol: number, rtol: number) {
  return verificationError("the model does not compute what it should", {
    code: "verify-differs",
    file: model.dir,
    found: `a difference of ${largestDifference.toPrecision(3)}`,
    allowed: rtol === 0 ? `at most ${atol}` : `at most ${atol} + ${rtol} of the expected value`,
    remedy:
      model.zoo === undefined
        ? "Do not use this package here: export it again from the checkpoint with the JSON of its own training, or try another provider"
        : "Do not use this model here: download it again, or try another provider",
  });
}
