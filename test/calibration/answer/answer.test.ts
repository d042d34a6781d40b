import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOf, type Meets } from "../../../calibration/answer/answer.ts";
import type { CalibrationImage, CalibrationLevel } from "../../../calibration/result/result.ts";

/** An image of so many scans' worth, which passes on detail with periods of 3.3 to 5 pixels at `gain`. */
function image(worth: number, gain: number, slope = 1): CalibrationImage {
  return {
    worth_scans: { value: worth, low: worth, high: worth, at_least: false },
    naive_mean_squared_error: 1,
    naive_psnr_db: 20,
    ssim_biased_by_reference_noise: { published_7x7: 1, published_7x7x7: 1, scikit_image_gaussian: 1 },
    ring_correlation: { cycles_per_px: [], correlation: [] },
    intensity_slope: slope,
    intensity_offset: 0,
    intensity_bins: [],
    shift: { y_px: 0, x_px: 0 },
    detail: [
      band(0.12, 0.2, 0.97 * slope, 0.5),
      band(0.2, 0.3, gain * slope, 0.1),
      // Too little of the detail to be worth a word.
      band(0.3, 0.5, 0.01, 0.001),
    ],
  };
}

function band(from: number, to: number, gain: number, share: number): CalibrationImage["detail"][number] {
  return {
    from_cycles_per_px: from,
    to_cycles_per_px: to,
    share_of_detail: share,
    gain: { value: gain, low: gain, high: gain },
  };
}

function level(averages: number, denoised: CalibrationImage, meets: Meets): CalibrationLevel {
  return {
    averages,
    draws: 2,
    references: 4,
    raw: image(averages, 1),
    denoised,
    verdicts: [],
    noise_to_signal: 0.1,
    removed: 1,
    meets_target: meets,
  };
}

function answer(denoised: CalibrationImage, meets: Meets = "yes", target = true) {
  return answerOf({
    levels: [level(1, denoised, meets)],
    dataRange: 100,
    scanVariance: 1,
    ...(target ? { target: { kind: "as-good-as", value: 8 } as const } : {}),
  });
}

test("the headline names the fine detail of which much is lost, and claims the error only", () => {
  const { headline, sentences } = answer(image(20, 0.53));
  assert.equal(
    headline,
    "Yes, but fine detail (periods of 3.3 to 5.0 px) comes through at 53 %: 1 scan, denoised, reaches the error of your " +
      "usual 8 averages. You may scan 8.0 times faster.",
  );
  assert.match(
    sentences.join("\n"),
    /The error counts noise and lost detail together: .* keep your averages\./,
  );
  assert.match(answer(image(20, 0.53), "likely").headline, /^Probably, but fine detail/);
  assert.match(answer(image(20, 0.53), "no").headline, /^No: /);
});

test("without a target the headline names the lost detail too", () => {
  assert.equal(
    answer(image(20, 0.53), "unknown", false).headline,
    "1 denoised scan is worth 20.0 raw ones (20.0 to 20.0), but fine detail (periods of 3.3 to 5.0 px) comes through at 53 %.",
  );
});

test("detail that keeps half of its power does not qualify the headline", () => {
  const { headline, sentences } = answer(image(20, 0.72));
  assert.equal(
    headline,
    "Yes: 1 scan, denoised, reaches the quality of your usual 8 averages. You may scan 8.0 times faster.",
  );
  assert.doesNotMatch(sentences.join("\n"), /lost detail/);
  assert.match(answer(image(20, 0.7)).headline, /comes through at 70 %/);
});

test("a change of brightness alone is no lost detail", () => {
  assert.match(answer(image(20, 0.9, 0.5)).headline, /^Yes: /);
  assert.match(answer(image(20, 0.6, 2)).headline, /comes through at 60 %/);
});
