import { verificationError } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import type { Tensor } from "../../core/tensor.ts";
import { readNpyTensor } from "../../formats/npy.ts";
import { applyNormalization } from "./apply-normalization.ts";

/** Runs the package's network on one input, `[B, T, 1, H, W]`; whoever calls decides where (provider, process). */
export type RunNetwork = (input: Tensor) => Promise<Tensor>;

export interface Comparison {
  /** Largest |measured - expected|. */
  readonly largestDifference: number;
  /** Largest |measured - expected| / (atol + rtol · |expected|): at most 1 passes. */
  readonly largestShare: number;
  /** Standard deviation of the expected values, to judge the difference by. */
  readonly expectedDeviation: number;
}

/** Two tensors of one shape. NaN anywhere counts as infinitely far. As numpy.allclose: |a - b| <= atol + rtol · |b|. */
export function compareTensors(measured: Tensor, expected: Tensor, atol: number, rtol: number): Comparison {
  let largestDifference = 0;
  let largestShare = 0;
  let sum = 0;
  let squares = 0;
  for (const [i, want] of expected.data.entries()) {
    const difference = Math.abs((measured.data[i] ?? Number.NaN) - want);
    const share = difference / (atol + rtol * Math.abs(want));
    largestDifference = Math.max(
      largestDifference,
      Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference,
    );
    largestShare = Math.max(largestShare, Number.isNaN(share) ? Number.POSITIVE_INFINITY : share);
    sum += want;
    squares += want * want;
  }
  const mean = sum / expected.data.length;
  return {
    largestDifference,
    largestShare,
    expectedDeviation: Math.sqrt(Math.max(squares / expected.data.length - mean * mean, 0)),
  };
}

/**
 * The package's own proof: its test input, normalized as its settings say, through the network as it runs here, must
 * give its test output, which the float64 forward pass made. Throws `EdgeError` (`verification`) when it does not.
 */
export async function verifyPackage(model: ModelPackage, run: RunNetwork): Promise<Comparison> {
  const samples = await readNpyTensor(model.testInputFile);
  const normalized = applyNormalization(model.settings.normalization, {
    shape: samples.shape,
    data: Float64Array.from(samples.data),
  });
  const input = { shape: samples.shape, data: Float32Array.from(normalized.data) };
  const expected = await readNpyTensor(model.testOutputFile);
  return verifyAgainst(model, run, input, expected, model.settings.test_tolerance, 0);
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
  if (measured.shape.join() !== expected.shape.join()) {
    throw verificationError("the network's output has another shape than expected", {
      code: "verify-shape",
      file: model.dir,
      found: `[${measured.shape.join(", ")}]`,
      allowed: `[${expected.shape.join(", ")}]`,
      remedy: "The input and the expected output may not belong together",
    });
  }
  const comparison = compareTensors(measured, expected, atol, rtol);
  if (comparison.largestShare > 1) {
    throw verificationError("the model does not compute what it should", {
      code: "verify-differs",
      file: model.dir,
      found: `a difference of ${comparison.largestDifference.toPrecision(3)}`,
      allowed: rtol === 0 ? `at most ${atol}` : `at most ${atol} + ${rtol} of the expected value`,
      remedy:
        "Do not use this package here: export it again from the checkpoint with the JSON of its own training, or try another provider",
    });
  }
  return comparison;
}
