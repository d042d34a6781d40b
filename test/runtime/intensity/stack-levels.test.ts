import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Samples, type SampleType, sampleTypes } from "../../../core/acquisition.ts";
import { interpolate, measureLevels, percentilePosition } from "../../../runtime/intensity/stack-levels.ts";

/** numpy's `linear` on sorted values. */
function sortedPercentile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const { below, above, fraction } = percentilePosition(sorted.length, q);
  return interpolate(sorted[below] ?? Number.NaN, sorted[above] ?? Number.NaN, fraction);
}

async function* inPlanes(samples: Samples): AsyncGenerator<Samples> {
  const half = Math.ceil(samples.length / 2);
  yield samples.subarray(0, half);
  if (half < samples.length) yield samples.subarray(half);
}

const levelsOf = (sampleType: SampleType, samples: Samples) =>
  measureLevels({ sampleType, lowPercentile: 1.5, highPercentile: 99.5, planes: () => inPlanes(samples) });

test("agrees with numpy.percentile worked by hand", () => {
  // numpy.percentile([10, 20, 40], 25) = 15; of [0, 100] at 99.5 = 99.5
  assert.equal(sortedPercentile([40, 10, 20], 25), 15);
  assert.equal(sortedPercentile([0, 100], 99.5), 99.5);
  assert.equal(sortedPercentile([3], 50), 3);
});

for (const sampleType of Object.keys(sampleTypes) as SampleType[]) {
  test(`finds the percentiles and extremes of ${sampleType} as sorting does`, async () => {
    const { integer, min, max, make } = sampleTypes[sampleType];
    const value = integer
      ? fc.oneof(fc.integer({ min, max }), fc.integer({ min: Math.max(min, -3), max: 3 }))
      : fc.float({ noNaN: true, noDefaultInfinity: true });
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 300 }), async (values) => {
        const samples = make(values.length);
        samples.set(values);
        const levels = await levelsOf(sampleType, samples);
        // -0 and 0 are one value to a reader.
        const plain = (x: number | undefined): number => (x ?? Number.NaN) + 0;
        assert.equal(plain(levels?.low), plain(sortedPercentile(values, 1.5)));
        assert.equal(plain(levels?.high), plain(sortedPercentile(values, 99.5)));
        assert.equal(plain(levels?.max), Math.max(...values) + 0);
      }),
      { numRuns: 20 },
    );
  });
}

test("leaves NaN and infinities out, and says so where nothing else is there", async () => {
  const mixed = Float32Array.of(Number.NaN, 5, Number.POSITIVE_INFINITY, 7, Number.NEGATIVE_INFINITY);
  assert.deepEqual(await levelsOf("float32", mixed), { low: 5.03, high: 6.99, max: 7 });
  assert.equal(await levelsOf("float32", Float32Array.of(Number.NaN)), undefined);
});
