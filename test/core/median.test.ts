import assert from "node:assert/strict";
import { test } from "node:test";
import { median } from "../../core/median.ts";

test("the median is the middle value, or the mean of the middle two", () => {
  assert.equal(median([10, 9, 100]), 10);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([-7]), -7);
  assert.ok(Number.isNaN(median([])));
});
