import assert from "node:assert/strict";
import { test } from "node:test";
import { intensityMapOf } from "../../../core/intensity-map.ts";
import { roundHalfToEven } from "../../../core/round.ts";
import { denormalizePlane, outputMapOf } from "../../../runtime/intensity/denormalize.ts";

const unchanged = { gain: 1, offset: 0 };

test("rounds half to even, also below zero", () => {
  const values = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999999999999994, 7.2, -7.8];
  assert.deepEqual(
    values.map((value) => roundHalfToEven(value) + 0),
    [0, 2, 2, 0, -2, -2, 0, 7, -8],
  );
});

test("clips at the bounds of uint16 and counts only what it changed", () => {
  const into = new Uint16Array(6);
  const clipped = denormalizePlane(
    Float32Array.of(-3, -0.4, 0, 65535, 65535.4, 70000),
    unchanged,
    "uint16",
    into,
  );
  assert.deepEqual([...into], [0, 0, 0, 65535, 65535, 65535]);
  assert.equal(clipped, 2);
});

test("keeps negative values in int16 and float32, and rounds no float", () => {
  const signed = new Int16Array(2);
  assert.equal(denormalizePlane(Float32Array.of(-3, 40000), unchanged, "int16", signed), 1);
  assert.deepEqual([...signed], [-3, 32767]);
  const floats = new Float32Array(2);
  assert.equal(denormalizePlane(Float32Array.of(-3.25, 1e30), unchanged, "float32", floats), 0);
  assert.deepEqual([...floats], [-3.25, Math.fround(1e30)]);
});

test("inverts the normalization, then applies the model's own map", () => {
  const map = { low: 100, range: 50, clip: false };
  assert.deepEqual(outputMapOf(map, { meaning: "preserved" }), { gain: 50, offset: 100 });
  assert.deepEqual(outputMapOf(map, { meaning: "uncalibrated" }), { gain: 50, offset: 100 });
  // 2 · (50 x + 100) + 7
  assert.deepEqual(outputMapOf(map, { meaning: "affine", gain: 2, offset: 7 }), { gain: 100, offset: 207 });
});

test("divides nothing by zero where percentiles are equal", () => {
  const percentiles = { kind: "percentile", low: 1.5, high: 99.5, clip: false } as const;
  assert.deepEqual(intensityMapOf(percentiles, { low: 5, high: 5, max: 90 }), {
    low: 5,
    range: 85,
    clip: false,
  });
  assert.deepEqual(intensityMapOf(percentiles, { low: 5, high: 5, max: 5 }), {
    low: 5,
    range: 1,
    clip: false,
  });
});
