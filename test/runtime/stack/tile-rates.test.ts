import assert from "node:assert/strict";
import { test } from "node:test";
import { createTileRates } from "../../../runtime/stack/tile-rates.ts";

test("a tile is expected to take what the last of its shape took, else by the nearest shape, else by the warm-up", () => {
  const rates = createTileRates({ model: "m", voxelsPerS: 100 });
  assert.deepEqual(rates.expect("m", [1, 10, 10]), { seconds: 1.25, basis: "the warm-up run" });
  rates.learn("m", [1, 10, 10], 4);
  rates.learn("m", [1, 100, 100], 100);
  assert.deepEqual(rates.expect("m", [1, 10, 10]), { seconds: 4, basis: "the last tile of this shape" });
  // A first run of a shape is slower: 1.25 times.
  assert.deepEqual(rates.expect("m", [1, 100, 200]), { seconds: 250, basis: "a tile of another shape" });
  rates.learn("m", [1, 10, 10], 2);
  assert.equal(rates.expect("m", [1, 10, 10])?.seconds, 2);
});

test("of a model that has not run nothing is expected", () => {
  const rates = createTileRates({ model: "m", voxelsPerS: 100 });
  rates.learn("m", [1, 1, 1], 1);
  assert.equal(rates.expect("other", [1, 1, 1]), undefined);
  assert.equal(createTileRates(undefined).expect("m", [1, 1, 1]), undefined);
});
