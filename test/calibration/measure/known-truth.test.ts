import assert from "node:assert/strict";
import { test } from "node:test";
import { singleScanVariance, worthOf } from "../../../calibration/answer/worth.ts";
import { readMean } from "../../../calibration/experiment/repeats.ts";
import { planLevels } from "../../../calibration/levels/draw-plan.ts";
import { doubles } from "../known-truth/doubles.ts";
import { type KnownField, knownField, measureDouble } from "../known-truth-measurement.ts";

/** The error against the truth itself, of all draws of a level. */
async function trueError(
  { repeats, truth }: KnownField,
  double: "identity" | "blur",
  averages: number,
): Promise<number> {
  const plan = planLevels(repeats.averages.length, { levels: [averages], maxDraws: 4, seed: 1 })[0];
  let sum = 0;
  let count = 0;
  for (const draw of plan?.draws ?? []) {
    for (const [z, exact] of truth.entries()) {
      const image = doubles[double](await readMean(repeats, draw, z), repeats);
      image.forEach((value, at) => {
        sum += (value - (exact[at] ?? 0)) ** 2;
      });
      count += image.length;
    }
  }
  return sum / count;
}

const decibels = (ratio: number) => 10 * Math.log10(ratio);

for (const photons of [5, 20, 80]) {
  test(`${photons} photons: the unbiased error is the true one within 0.3 dB wherever its interval excludes zero`, async () => {
    const field = knownField({ z: 8, y: 128, x: 128 }, photons, 12);
    const levels = await measureDouble(field, "blur", [1, 4]);
    assert.equal(levels.length, 2);
    for (const { averages, denoised } of levels) {
      const truth = await trueError(field, "blur", averages);
      const error = denoised.error ?? assert.fail();
      assert.ok(error.low > 0, "the interval excludes zero");
      assert.ok(Math.abs(decibels(error.value / truth)) < 0.3, `${averages}: ${error.value} and ${truth}`);
      if (photons === 5) {
        assert.ok(
          decibels(denoised.naiveError / truth) > 1,
          "the naive error is off by more than 1 dB at low light",
        );
      }
    }
  });
}

test("a raw average of n is worth n scans, and its error is noise, not bias", async () => {
  const levels = await measureDouble(knownField({ z: 4, y: 96, x: 96 }, 20, 12), "identity", [1, 2, 4]);
  const scan = singleScanVariance(levels, 1) ?? assert.fail();
  assert.equal(levels.length, 3);
  for (const { averages, raw } of levels) {
    const worth = worthOf(raw.error ?? assert.fail(), scan);
    assert.ok(
      worth.low < averages * 1.02 && averages * 0.98 < worth.high,
      `${averages}: ${worth.low} to ${worth.high}`,
    );
    assert.ok(Math.abs(raw.squaredBias ?? Number.NaN) < 0.05 * (raw.variance ?? 0));
  }
});

test("a blur's error is bias where the noise is averaged away", async () => {
  const [low, high] = await measureDouble(knownField({ z: 4, y: 96, x: 96 }, 40, 12), "blur", [1, 4]);
  const biasShare = (level: typeof low) =>
    (level?.denoised.squaredBias ?? 0) / (level?.denoised.error?.value ?? 1);
  assert.ok(biasShare(high) > biasShare(low));
  assert.ok(biasShare(high) > 0.85);
});
