import assert from "node:assert/strict";
import { test } from "node:test";
import { blockGrid } from "../../../calibration/metrics/block-grid.ts";
import { errorEstimate, quantile } from "../../../calibration/metrics/intervals.ts";
import { contrastWeights, noisyReferences } from "../../../calibration/metrics/noisy-references.ts";
import { blockErrors } from "../../../calibration/metrics/unbiased-error.ts";
import { randomOf } from "../../../calibration/simulation/random.ts";
import { gaussianBlur } from "../known-truth/doubles.ts";
import { stillRepeats } from "../known-truth/still-repeats.ts";

test("with two references the error is the mean product of the two differences", () => {
  const grid = blockGrid({ height: 2, width: 2 });
  const errors = blockErrors(grid);
  const x = Float32Array.of(5, 7, 1, 0);
  errors.add(x, noisyReferences([Float32Array.of(4, 9, 1, 2), Float32Array.of(3, 6, 5, -2)]));
  // (5-4)(5-3) + (7-9)(7-6) + (1-1)(1-5) + (0-2)(0+2) = 2 - 2 + 0 - 4
  assert.ok(Math.abs((errors.sums().unbiased?.[0] ?? 0) + 4) < 1e-5);
  // Against the mean 3.5, 7.5, 3, 0: 2.25 + 0.25 + 4 + 0
  assert.ok(Math.abs((errors.sums().naive[0] ?? 0) - 6.5) < 1e-5);
});

test("with three references it is the mean over all pairs", () => {
  const references = [Float32Array.of(1), Float32Array.of(4), Float32Array.of(6)];
  const errors = blockErrors(blockGrid({ height: 1, width: 1 }));
  errors.add(Float32Array.of(3), noisyReferences(references));
  // ((3-1)(3-4) + (3-1)(3-6) + (3-4)(3-6)) / 3
  assert.ok(Math.abs((errors.sums().unbiased?.[0] ?? 0) - (-2 - 6 + 3) / 3) < 1e-5);
});

test("a single reference gives no unbiased figure", () => {
  const errors = blockErrors(blockGrid({ height: 1, width: 1 }));
  errors.add(Float32Array.of(3), noisyReferences([Float32Array.of(1)]));
  assert.equal(errors.sums().unbiased, undefined);
  assert.equal(errorEstimate([errors.sums()], randomOf(1)), undefined);
});

test("contrasts are orthonormal and blind to what the references share", () => {
  for (const count of [2, 3, 8]) {
    const rows = contrastWeights(count);
    rows.forEach((row, index) => {
      assert.ok(Math.abs(row.reduce((sum, weight) => sum + weight, 0)) < 1e-12);
      for (const [at, other] of rows.entries()) {
        const product = row.reduce((sum, weight, place) => sum + weight * (other[place] ?? 0), 0);
        assert.ok(Math.abs(product - (at === index ? 1 : 0)) < 1e-12);
      }
    });
  }
});

test("intervals of a blurring double cover the truth about 95 times in 100, the naive error never", () => {
  const shape = { height: 48, width: 48 };
  const grid = blockGrid(shape);
  const camera = { gain: 1, offset: 0, readNoise: 1 };
  const { truth, picture } = stillRepeats("mixed", { z: 1, y: 48, x: 48 }, 8, camera, 3);
  const exact = truth[0] ?? new Float32Array();
  const runs = Array.from({ length: 60 }, (_, run) => {
    const pictures = Array.from({ length: 8 }, (_, repeat) => picture(run * 8 + repeat, 0));
    const references = noisyReferences(pictures.slice(4));
    let realized = 0;
    const draws = pictures.slice(0, 4).map((input) => {
      const blurred = gaussianBlur(input, shape, 1.2);
      blurred.forEach((value, at) => {
        realized += (value - (exact[at] ?? 0)) ** 2 / (4 * blurred.length);
      });
      const errors = blockErrors(grid);
      errors.add(blurred, references);
      return errors.sums();
    });
    const naive =
      draws.reduce((sum, draw) => sum + draw.naive.reduce((a, b) => a + b, 0), 0) / (4 * exact.length);
    return { realized, naive, estimate: errorEstimate(draws, randomOf(run)) };
  });
  const expected = runs.reduce((sum, { realized }) => sum + realized, 0) / runs.length;
  const covered = runs.filter(
    ({ estimate }) => estimate && estimate.low <= expected && expected <= estimate.high,
  );
  const naiveCovered = runs.filter(
    ({ estimate, naive }) => estimate && estimate.low <= naive && naive <= estimate.high,
  );
  // Binomial(60, 0.95) is between 51 and 60 in 999 of 1000 cases; the seed is fixed.
  assert.ok(covered.length >= 51, `${covered.length} of 60`);
  assert.ok(covered.length <= 59, "intervals that always cover are too wide");
  assert.equal(naiveCovered.length, 0);
});

test("quantiles are numpy's", () => {
  assert.equal(quantile([1, 2, 4, 8], 0.5), 3);
});
