import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { intensityMapOf } from "../../../core/intensity-map.ts";
import { applyNormalization } from "../../../export/package/apply-operators.ts";
import { measureLevels } from "../../../runtime/intensity/stack-levels.ts";

const normalization = { kind: "percentile", low: 1.5, high: 99.5, clip: false } as const;

/** As `denoise` normalizes a stack of one plane. */
async function asDenoised(samples: Uint16Array): Promise<number[]> {
  const levels = await measureLevels({
    sampleType: "uint16",
    lowPercentile: normalization.low,
    highPercentile: normalization.high,
    planes: async function* () {
      yield samples;
    },
  });
  const { low, range } = intensityMapOf(normalization, levels);
  return Array.from(samples, (value) => (value - low) / range);
}

const asVerified = (samples: Uint16Array): number[] =>
  Array.from(
    applyNormalization(normalization, { shape: [samples.length], data: Float64Array.from(samples) }).data,
  );

test("verify maps an almost empty image as denoise does: both percentiles are equal, and a few samples are larger", async () => {
  const samples = new Uint16Array(1000).fill(100);
  samples.set([900, 500], 400);
  const verified = asVerified(samples);
  assert.equal(verified[400], 1);
  assert.equal(verified[401], 0.5);
  assert.deepEqual(verified, await asDenoised(samples));
});

test("verify and denoise normalize any image alike", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint16Array({ minLength: 1, maxLength: 200, max: 300 }), async (samples) => {
      const [verified, denoised] = [asVerified(samples), await asDenoised(samples)];
      assert.equal(verified.length, denoised.length);
      for (const [at, value] of denoised.entries()) {
        assert.ok(Math.abs((verified[at] ?? Number.NaN) - value) < 1e-9, `${verified[at]} for ${value}`);
      }
    }),
  );
});
