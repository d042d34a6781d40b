import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { drawCover } from "../../../calibration/pairs/cover.ts";
import { pairNames } from "../../../calibration/pairs/find-pairs.ts";
import { fitIntensity } from "../../../calibration/pairs/fit-intensity.ts";
import { type PairMeasure, pairSums } from "../../../calibration/pairs/pair-sums.ts";
import { isEdgeError } from "../../../core/errors.ts";

test("names that differ in one word are a pair, beside each other or in two folders", () => {
  assert.deepEqual(
    pairNames(["b/cell2_high.tif", "b/cell2_low.tif", "b/cell10_low.tif", "b/cell10_high.tif"], "d"),
    [
      { name: "b/cell2", noisy: "b/cell2_low.tif", clean: "b/cell2_high.tif" },
      { name: "b/cell10", noisy: "b/cell10_low.tif", clean: "b/cell10_high.tif" },
    ],
  );
  assert.deepEqual(pairNames(["Clean/fish.ome.tif", "Noisy/fish.ome.tif"], "d"), [
    { name: "fish", noisy: "Noisy/fish.ome.tif", clean: "Clean/fish.ome.tif" },
  ]);
});

test("a word within a word pairs nothing", () => {
  assert.deepEqual(pairNames(["yellow-noisy.tif", "yellow-clean.tif", "lowsnr.tif"], "d").length, 1);
});

test("a file without its partner is refused, not paired by order", () => {
  assert.throws(
    () => pairNames(["a-noisy.tif", "b-clean.tif"], "d"),
    (error) => isEdgeError(error, "pairs-partner") && error.allowed === "a-clean.tif beside it",
  );
});

test("a folder without pairs is refused with what would be one", () => {
  assert.throws(
    () => pairNames(["a.tif", "b.tif"], "d"),
    (error) => isEdgeError(error, "pairs-none"),
  );
});

/** A clean image, a noisy one, and what a model makes of it: all noise gone, but in units of its own. */
function images(gain: number, offset: number, noise: number) {
  const clean = Float64Array.from({ length: 4000 }, (_, i) => 1000 + 300 * Math.sin(i / 9) + (i % 13));
  const noisy = clean.map((value, i) => value + noise * Math.sin(i * 77.7) * Math.SQRT2);
  const denoised = clean.map((value) => (value - offset) / gain);
  return { clean, noisy, denoised };
}

test("the gain and offset back to the input's units are found, whatever the noise", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.2, max: 5, noNaN: true }),
      fc.double({ min: -500, max: 500, noNaN: true }),
      fc.double({ min: 1, max: 400, noNaN: true }),
      (gain, offset, noise) => {
        const { clean, noisy, denoised } = images(gain, offset, noise);
        const sums = pairSums();
        for (let first = 0; first < 4000; first += 1000) {
          const part = <T extends Float64Array>(all: T) => all.subarray(first, first + 1000);
          sums.add(part(noisy), part(clean), part(denoised));
        }
        const found = sums.measure();
        assert.ok(Math.abs(found.gain / gain - 1) < 0.05, `gain ${found.gain} for ${gain}`);
        const back = found.gain * ((1000 - offset) / gain) + found.offset;
        assert.ok(Math.abs(back - 1000) < 0.05 * 600, `1000 comes back as ${back}`);
        assert.ok(found.denoisedPsnrDb > found.noisyPsnrDb);
      },
    ),
  );
});

test("PSNR is that of the residual after a least-squares gain and offset", () => {
  const { clean, noisy, denoised } = images(2, 100, 50);
  const sums = pairSums();
  sums.add(noisy, clean, denoised);
  const mean = (values: Float64Array): number => values.reduce((a, b) => a + b) / values.length;
  const [c, n] = [mean(clean), mean(noisy)];
  const covariance = mean(noisy.map((value, i) => (value - n) * ((clean[i] ?? 0) - c)));
  const variance = mean(noisy.map((value) => (value - n) ** 2));
  const fitted = noisy.map((value) => c + (covariance / variance) * (value - n));
  const error = mean(fitted.map((value, i) => (value - (clean[i] ?? 0)) ** 2));
  const range = Math.max(...clean) - Math.min(...clean);
  assert.ok(Math.abs(sums.measure().noisyPsnrDb - 10 * Math.log10(range ** 2 / error)) < 1e-6);
});

test("the correlation tells a pair from two fields, and from a constant image", () => {
  const { clean, noisy } = images(1, 0, 50);
  const correlationOf = (one: Float64Array, other: Float64Array): number => {
    const sums = pairSums();
    sums.add(one, other, one);
    return sums.measure().correlation;
  };
  assert.ok(correlationOf(noisy, clean) > 0.95);
  assert.ok(
    correlationOf(
      noisy.map((value) => -value),
      clean,
    ) < -0.95,
  );
  assert.ok(
    Number.isNaN(
      correlationOf(
        noisy,
        clean.map(() => 7),
      ),
    ),
  );
});

function measureOf(gain: number, shift = 0, offset = 0): PairMeasure {
  return {
    name: "p",
    correlation: 0.9,
    noisyPsnrDb: 20,
    denoisedPsnrDb: 30,
    gain,
    offset,
    shift,
    noiseToSignal: 0.2,
  };
}

test("intensities are preserved, affine or uncalibrated by what the pairs say", () => {
  assert.deepEqual(fitIntensity([measureOf(1.02), measureOf(0.95)]).intensity, { meaning: "preserved" });
  assert.deepEqual(fitIntensity([measureOf(2, 0, 7), measureOf(2.1, 0, 9)]).intensity, {
    meaning: "affine",
    gain: 2.05,
    offset: 8,
  });
  assert.deepEqual(fitIntensity([measureOf(0.5), measureOf(2)]).intensity, { meaning: "uncalibrated" });
  assert.match(fitIntensity([measureOf(3)]).reason, /one pair alone/);
  assert.notDeepEqual(fitIntensity([measureOf(1, 0.3)]).intensity, { meaning: "preserved" });
});

test("a cover is twice as wide as high and small enough for the zoo, whatever the field", async () => {
  for (const [width, height] of [
    [512, 512],
    [40, 300],
    [1200, 64],
  ] as const) {
    const noisy = Float32Array.from({ length: width * height }, (_, i) => (i * 7919) % 251);
    const png = Buffer.from(
      await drawCover({ width, height, noisy, denoised: noisy.map((value) => value / 2) }),
    );
    const [w, h] = [png.readUInt32BE(16), png.readUInt32BE(20)];
    assert.equal(w, 2 * h);
    assert.ok(w >= 400 && w <= 800 && png.length < 500_000, `${w} x ${h}, ${png.length} bytes`);
  }
});
