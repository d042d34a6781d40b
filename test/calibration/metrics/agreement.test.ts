import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { agreementSums } from "../../../calibration/metrics/agreement.ts";
import { psnrOf } from "../../../calibration/metrics/mean-squared-error.ts";
import { fixtures, readStack } from "./golden-stacks.ts";

// Written by test/peers/calibration-metrics.py with scikit-image.
const golden = JSON.parse(readFileSync(join(fixtures, "metrics.json"), "utf8")) as Record<
  string,
  { meanSquaredError: number; psnr: number; fittedPsnr: number; dataRange: number }
>;

for (const [name, expected] of Object.entries(golden)) {
  test(`the PSNR of the ${name} stack, as is and after the best gain and offset, is scikit-image's`, async () => {
    const noisy = await readStack(`${name}-noisy.npy`);
    const clean = await readStack(`${name}-clean.npy`);
    const sums = agreementSums();
    for (const [z, plane] of noisy.planes.entries()) sums.add(plane, clean.planes[z] ?? plane);
    const { meanSquaredError, fittedMeanSquaredError, referenceRange } = sums.measure();
    assert.equal(referenceRange, expected.dataRange);
    assert.ok(Math.abs(meanSquaredError - expected.meanSquaredError) < 1e-9 * expected.meanSquaredError);
    assert.ok(Math.abs(psnrOf(meanSquaredError, referenceRange) - expected.psnr) < 1e-9);
    assert.ok(Math.abs(psnrOf(fittedMeanSquaredError, referenceRange) - expected.fittedPsnr) < 1e-9);
  });
}

function agreementOf(image: readonly number[], reference: readonly number[]) {
  const sums = agreementSums();
  sums.add(Float64Array.from(image), Float64Array.from(reference));
  return sums.measure();
}

const sample = fc.double({ min: -1000, max: 1000, noNaN: true });
const images = fc.array(fc.tuple(sample, sample), { minLength: 3, maxLength: 40 });

test("the fitted error is that of the stated gain and offset, and no other gain and offset has a lower one", () => {
  fc.assert(
    fc.property(images, fc.double({ min: -3, max: 3, noNaN: true }), sample, (pixels, gain, offset) => {
      const [image, reference] = [pixels.map(([x]) => x), pixels.map(([, y]) => y)];
      const { fittedMeanSquaredError, fitGain, fitOffset } = agreementOf(image, reference);
      const errorAt = (g: number, o: number) =>
        image.reduce((sum, x, at) => sum + (g * x + o - (reference[at] ?? 0)) ** 2, 0) / image.length;
      fc.pre(Math.max(...image) - Math.min(...image) > 1e-3 && new Set(reference).size > 1);
      assert.ok(Math.abs(errorAt(fitGain, fitOffset) - fittedMeanSquaredError) < 1e-5);
      assert.ok(fittedMeanSquaredError <= errorAt(gain, offset) + 1e-5);
    }),
  );
});

test("an image that differs from the reference by gain and offset alone has no error after the fit", () => {
  const reference = [10, 12, 40, 41, 300, 7];
  const { meanSquaredError, fittedMeanSquaredError, fitGain, fitOffset, pixelSlope } = agreementOf(
    reference.map((value) => 2 * value + 100),
    reference,
  );
  assert.ok(meanSquaredError > 100);
  assert.equal(fittedMeanSquaredError, 0);
  assert.ok(Math.abs(fitGain - 0.5) < 1e-12 && Math.abs(fitOffset + 50) < 1e-9);
  assert.ok(Math.abs(pixelSlope - 2) < 1e-12);
});

test("nothing can be fitted to a reference that is the same everywhere", () => {
  const { meanSquaredError, fittedMeanSquaredError } = agreementOf([1, 2, 3], [5, 5, 5]);
  assert.ok(meanSquaredError > 0);
  assert.ok(Number.isNaN(fittedMeanSquaredError));
});

test("a constant image is brought to the reference's mean", () => {
  const { fittedMeanSquaredError, fitGain, fitOffset } = agreementOf([9, 9, 9, 9], [0, 2, 0, 2]);
  assert.deepEqual([fitGain, fitOffset, fittedMeanSquaredError], [0, 1, 1]);
});
