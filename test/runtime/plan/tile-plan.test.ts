import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type AxisPlan,
  fittedPlan,
  publishedPlan,
  rampWeights,
  redundancy,
  tileCount,
} from "../../../runtime/plan/tile-plan.ts";
import { symmetricIndex } from "../../../runtime/stack/gather-tile.ts";

const starts = (axis: AxisPlan): number[] => axis.spans.map((span) => span.start);

test("mirrors an axis as numpy's symmetric padding does", () => {
  // numpy.pad([0, 1, 2], 7, "symmetric")
  const padded = Array.from({ length: 17 }, (_, i) => symmetricIndex(i - 7, 3));
  assert.deepEqual(padded, [0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2]);
  assert.equal(symmetricIndex(-5, 1), 0);
});

test("weighs a window by ramps that multiply where they meet", () => {
  assert.deepEqual([...rampWeights(6, 2, 2)], [0.5, 1, 1, 1, 1, 0.5]);
  assert.deepEqual([...rampWeights(4, 0, 3)], [1, 1, 2 / 3, 1 / 3]);
  assert.deepEqual([...rampWeights(3, 2, 2)], [0.5, 1, 0.5]);
  assert.deepEqual([...rampWeights(2, 2, 2)], [0.5, 0.5]);
});

test("places the published tiles, with a whole step more where the length divides", () => {
  const [depth, height, width] = publishedPlan([20, 100, 96], [8, 64, 64], [2, 16, 16]).axes;
  assert.deepEqual(starts(depth), [-2, 4, 10, 16]);
  assert.deepEqual(starts(height), [-16, 32, 80]);
  assert.deepEqual(starts(width), [-16, 32, 80]);
});

test("computes as many voxels per delivered one as the published defaults are known for", () => {
  const published = publishedPlan([100, 1200, 1200], [24, 256, 256], [4, 64, 64]);
  assert.equal(tileCount(published), 6 * 7 * 7);
  assert.equal(redundancy(published).toFixed(1), "3.2");
  const fitted = fittedPlan([100, 1200, 1200], [24, 256, 256], [4, 64, 64]);
  assert.ok(redundancy(fitted) < 2.1, `${redundancy(fitted)}`);
});

test("spreads the fewest tiles evenly inside the stack", () => {
  const [depth, height, width] = fittedPlan([30, 64, 100], [24, 64, 64], [4, 16, 16]).axes;
  assert.deepEqual(starts(depth), [0, 6]);
  assert.deepEqual(starts(height), [0]);
  assert.deepEqual(starts(width), [0, 36]);
});

const axisCase = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.nat({ max: 39 }), fc.integer({ min: 1, max: 200 }))
  .map(([tile, overlap, length]) => ({ tile, overlap: Math.min(overlap, tile - 1), length }));

for (const [name, makePlan] of [
  ["published", publishedPlan],
  ["fitted", fittedPlan],
] as const) {
  test(`covers every voxel with shares that sum to one (${name} plan)`, () => {
    fc.assert(
      fc.property(axisCase, ({ tile, overlap, length }) => {
        const [axis] = makePlan([length, 1, 1], [tile, 1, 1], [overlap, 0, 0]).axes;
        const sums = new Float64Array(length);
        for (const { start, shares } of axis.spans) {
          for (const [i, share] of shares.entries()) {
            if (start + i >= 0 && start + i < length) sums[start + i] = (sums[start + i] ?? 0) + share;
          }
        }
        for (const sum of sums) assert.ok(Math.abs(sum - 1) < 1e-5, `${sum}`);
      }),
    );
  });
}

test("shares at least the overlap with each neighbour and never leaves the stack (fitted plan)", () => {
  fc.assert(
    fc.property(axisCase, ({ tile, overlap, length }) => {
      const [axis] = fittedPlan([length, 1, 1], [tile, 1, 1], [overlap, 0, 0]).axes;
      if (length <= tile) return assert.deepEqual(starts(axis), [0]);
      assert.equal(starts(axis)[0], 0);
      assert.equal(starts(axis).at(-1), length - tile);
      for (const [k, span] of axis.spans.entries()) {
        const next = axis.spans[k + 1];
        if (next !== undefined) assert.ok(span.start + tile - next.start >= overlap);
      }
    }),
  );
});

test("refuses an overlap that leaves no step", () => {
  assert.throws(() => publishedPlan([9, 9, 9], [4, 4, 4], [1, 4, 1]), {
    code: "overlap-too-wide",
    kind: "usage",
  });
});
