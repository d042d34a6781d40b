import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { planLevels } from "../../../calibration/levels/draw-plan.ts";

test("no repeat is both averaged and a reference, none is averaged twice, and two are always left", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 3, max: 80 }),
      fc.integer(),
      fc.integer({ min: 1, max: 6 }),
      (count, seed, maxDraws) => {
        for (const { averages, draws, references } of planLevels(count, { maxDraws, seed })) {
          const used = [...draws.flat(), ...references];
          assert.deepEqual(
            [...used].sort((a, b) => a - b),
            Array.from({ length: count }, (_, index) => index),
          );
          assert.ok(draws.length >= 1 && draws.length <= maxDraws);
          assert.ok(draws.every((draw) => draw.length === averages));
          assert.ok(references.length >= 2);
        }
      },
    ),
  );
});

test("levels double up to all but two repeats", () => {
  const averages = planLevels(12, { maxDraws: 4, seed: 1 }).map((level) => level.averages);
  assert.deepEqual(averages, [1, 2, 4, 8]);
});

test("refuses what cannot be judged", () => {
  assert.throws(() => planLevels(2, { maxDraws: 4, seed: 1 }), /too few repeats/);
  assert.throws(
    () => planLevels(8, { levels: [7], maxDraws: 4, seed: 1 }),
    /cannot be made of these repeats/,
  );
});
