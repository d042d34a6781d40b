import assert from "node:assert/strict";
import { test } from "node:test";
import { judgedAsText, worseWarning } from "../../../bin/words/package-words.ts";
import type { PackageSettings } from "../../../core/package-settings.ts";

function pairs(
  count: number,
  median: number,
  min: number,
  max: number,
): NonNullable<PackageSettings["pairs"]> {
  return { count, psnr_gain_db: { median, min, max }, slope: { median: 0.9, min: 0.8, max: 1 } };
}

function settings(measured: PackageSettings["pairs"]): PackageSettings {
  return {
    schema: 1,
    normalization: { kind: "none" },
    intensity: { meaning: "uncalibrated" },
    spatial_multiple: 8,
    tile: [8, 64, 64],
    overlap: [2, 16, 16],
    test_tolerance: 1e-4,
    ...(measured === undefined ? {} : { pairs: measured }),
  };
}

test("a model that worsens images is warned of, by how much, and over how many pairs", () => {
  assert.match(
    worseWarning(pairs(1, -12.14, -12.14, -12.14)) ?? "",
    /^on these pairs the model makes images worse: PSNR falls by 12\.1 dB \(median of 1 pair\)\. /,
  );
  assert.match(
    worseWarning(pairs(3, 4, -0.3, 6)) ?? "",
    /^on some of these pairs .* falls by up to 0\.3 dB\. /,
  );
  assert.match(worseWarning(pairs(2, -0.01, -0.01, 1)) ?? "", /falls by less than 0\.1 dB/);
  assert.equal(worseWarning(pairs(3, 4, 0, 6)), undefined);
  assert.equal(worseWarning(undefined), undefined);
});

test("one pair is counted in the singular", () => {
  const told = judgedAsText(settings(pairs(1, 2, 2, 2)));
  assert.match(told, /^intensities: uncalibrated: do not compare/m);
  assert.match(told, /^PSNR gained: median 2\.0 dB \(smallest 2\.0, largest 2\.0\) over 1 pair: /m);
  assert.match(told, /over 1 pair of noisy and clean images/);
  assert.doesNotMatch(told, /1 pairs/);
});
