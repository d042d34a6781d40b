import assert from "node:assert/strict";
import { test } from "node:test";
import { stillRepeats } from "../../calibration/known-truth/still-repeats.ts";
import { noiseSums } from "../../calibration/metrics/noise-estimate.ts";
import { checkAgainstPinned } from "../../calibration/pinned.ts";
import type { Calibration } from "../../calibration/result.ts";

const size = { z: 1, y: 128, x: 128 };
const camera = { gain: 1, offset: 100, readNoise: 1 };

function estimate(photons: number) {
  const sums = noiseSums({ height: size.y, width: size.x });
  sums.add(stillRepeats("mixed", size, photons, camera, 5).picture(0, 0));
  return sums.estimate();
}

const pinned = (noiseToSignal: number) =>
  ({
    id: "0123456789abcdef",
    levels: [{ averages: 1, noise_to_signal: noiseToSignal }],
    answer: { averages_needed: 1, averages_likely_needed: 1 },
  }) as unknown as Calibration;

test("noise of a structured field is found within a tenth", () => {
  const constant = noiseSums({ height: 128, width: 128 });
  constant.add(stillRepeats("puncta", size, 0.001, { ...camera, readNoise: 3 }, 5).picture(0, 0));
  assert.ok(Math.abs(constant.estimate().noise / 3 - 1) < 0.1, `${constant.estimate().noise}`);
});

test("half the light is told as noisier, the same light is not", () => {
  const calibrated = pinned(estimate(40).noiseToSignal);
  assert.equal(checkAgainstPinned(estimate(40), calibrated)?.noisier, false);
  const dim = checkAgainstPinned(estimate(15), calibrated);
  assert.equal(dim?.noisier, true);
  assert.match(dim?.warning ?? "", /noisier than what was calibrated/);
});
