import assert from "node:assert/strict";
import { test } from "node:test";
import { pairedDifference } from "../../../calibration/compare/paired-difference.ts";
import { randomOf } from "../../../calibration/simulation/random.ts";

test("counts wins and gives the exact sign test", () => {
  const paired = pairedDifference([3, 3, 3, 3, 3, 1], [1, 1, 1, 1, 1, 3], randomOf(1));
  assert.deepEqual([paired.first_better, paired.second_better, paired.stacks], [5, 1, 6]);
  // 2 (1 + 6) / 64
  assert.ok(Math.abs(paired.sign_test_p - 14 / 64) < 1e-12);
  assert.ok(Math.abs(paired.mean - 8 / 6) < 1e-12);
  assert.ok((paired.low ?? 0) < paired.mean && paired.mean < (paired.high ?? 0));
});

test("few stacks carry no interval", () => {
  const paired = pairedDifference([1, 2], [1, 1], randomOf(1));
  assert.equal(paired.low, undefined);
  assert.equal(paired.sign_test_p, 1);
});
