import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { resolutionPixels, ringCorrelation } from "../../../calibration/metrics/fourier-ring-correlation.ts";
import { meanSquaredErrorOf, psnrOf } from "../../../calibration/metrics/mean-squared-error.ts";
import {
  type SsimDefinition,
  ssimDefinitions,
  ssimStream,
} from "../../../calibration/metrics/structural-similarity.ts";
import { fixtures, readStack } from "./golden-stacks.ts";

// Written by test/peers/calibration-metrics.py: scikit-image 0.26, the published pytorch_ssim.py, numpy.
type Golden = Record<string, number> & {
  readonly ringCorrelation: readonly number[];
};
const golden = JSON.parse(readFileSync(join(fixtures, "metrics.json"), "utf8")) as Record<string, Golden>;

const { published, published3d, scikitImage } = ssimDefinitions;
const definitions: Readonly<Record<string, SsimDefinition>> = {
  publishedSsim: published,
  publishedSsim3d: published3d,
  scikitImageSsim: scikitImage,
  scikitImageSsim3d: { ...scikitImage, dimensions: 3 },
};

/** Both sides compute in float64; what is left is the order of sums. */
const tolerance = 1e-9;

/** The published code makes its window in float32, and x̄² of an image on an offset multiplies that error. */
const publishedTolerance = 2e-5;

for (const [name, expected] of Object.entries(golden)) {
  const noisy = await readStack(`${name}-noisy.npy`);
  const clean = await readStack(`${name}-clean.npy`);
  const { shape } = noisy;
  const dataRange = expected["dataRange"] ?? Number.NaN;

  test(`PSNR and mean squared error of the ${name} stack stand for each other as in scikit-image`, () => {
    const mse = expected["meanSquaredError"] ?? Number.NaN;
    assert.ok(Math.abs(psnrOf(mse, dataRange) - (expected["psnr"] ?? Number.NaN)) < tolerance);
    assert.ok(Math.abs(meanSquaredErrorOf(psnrOf(mse, dataRange), dataRange) - mse) < tolerance * mse);
  });

  for (const [metric, definition] of Object.entries(definitions)) {
    const value = expected[metric];
    if (value === undefined) continue;
    test(`${metric} of the ${name} stack is the peer's`, () => {
      const stream = ssimStream(definition, shape, dataRange);
      for (const [z, plane] of noisy.planes.entries()) stream.add(plane, clean.planes[z] ?? plane);
      const allowed = metric.startsWith("published") ? publishedTolerance : tolerance;
      assert.ok(Math.abs(stream.finish() - value) < allowed);
    });
  }

  test(`the ring correlation of the ${name} stack is numpy's`, () => {
    const rings = ringCorrelation(shape);
    for (const [z, plane] of noisy.planes.entries()) rings.add(plane, clean.planes[z] ?? plane);
    const { correlations } = rings.curve();
    assert.equal(correlations.length, expected.ringCorrelation.length);
    correlations.forEach((value, ring) => {
      assert.ok(Math.abs(value - (expected.ringCorrelation[ring] ?? Number.NaN)) < tolerance, `ring ${ring}`);
    });
  });
}

test("an image is wholly like itself", async () => {
  const { planes, shape } = await readStack("made-noisy.npy");
  for (const definition of Object.values(definitions)) {
    const stream = ssimStream(definition, shape, 100);
    for (const plane of planes) stream.add(plane, plane);
    assert.ok(Math.abs(stream.finish() - 1) < tolerance);
  }
  const rings = ringCorrelation(shape);
  for (const plane of planes) rings.add(plane, plane);
  assert.ok(rings.curve().correlations.every((value) => Math.abs(value - 1) < tolerance));
  assert.equal(resolutionPixels(rings.curve()), undefined);
});

test("the resolution is where the correlation falls below a seventh for good", () => {
  const frequencies = [0, 0.1, 0.2, 0.3, 0.4, 0.5];
  const seventh = 1 / 7;
  const crossing = resolutionPixels({
    frequencies,
    correlations: [1, 1, seventh + 0.1, seventh - 0.1, 0, 0],
  });
  assert.ok(crossing !== undefined && Math.abs(crossing - 1 / 0.25) < tolerance);
  // A single ring below the threshold is noise when the next is above it.
  assert.equal(resolutionPixels({ frequencies, correlations: [1, 0.1, 0.9, 0.9, 0.9, 0.9] }), undefined);
});

test("SSIM refuses a field smaller than its window", () => {
  assert.throws(() => ssimStream(scikitImage, { height: 10, width: 40 }, 1), /smaller than the window/);
  const deep = ssimStream({ ...scikitImage, dimensions: 3 }, { height: 16, width: 16 }, 1);
  deep.add(new Float32Array(256), new Float32Array(256));
  assert.throws(() => deep.finish(), /smaller than the window/);
});
