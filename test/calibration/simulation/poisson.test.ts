import assert from "node:assert/strict";
import { test } from "node:test";
import { logFactorial, poisson } from "../../../calibration/simulation/camera.ts";
import { normalOf, randomOf } from "../../../calibration/simulation/random.ts";

const draws = 200_000;

/** Pearson's chi square of the counts against Poisson's probabilities, cells expecting less than 10 left out. */
function chiSquare(mean: number): { square: number; cells: number } {
  const random = randomOf(1, mean);
  const counts: number[] = [];
  for (let draw = 0; draw < draws; draw += 1) {
    const count = poisson(mean, random);
    counts[count] = (counts[count] ?? 0) + 1;
  }
  let square = 0;
  let cells = 0;
  for (let count = 0; count < counts.length; count += 1) {
    const expected = draws * Math.exp(count * Math.log(mean) - mean - logFactorial(count));
    if (expected < 10) continue;
    square += ((counts[count] ?? 0) - expected) ** 2 / expected;
    cells += 1;
  }
  return { square, cells };
}

for (const mean of [0.1, 2.5, 9.9, 10, 37.5, 800]) {
  test(`counts of mean ${mean} are distributed as Poisson's`, () => {
    const { square, cells } = chiSquare(mean);
    // Chi square has mean `cells` and variance 2·cells; five standard deviations with a fixed seed.
    assert.ok(square < cells + 5 * Math.sqrt(2 * cells), `chi square ${square} with ${cells} cells`);
  });
}

test("no light gives no photons", () => {
  const random = randomOf(1);
  assert.ok(Array.from({ length: 1000 }, () => poisson(0, random)).every((count) => count === 0));
});

test("the logarithm of the factorial is right on both sides of the table's end", () => {
  let sum = 0;
  for (let count = 1; count < 40; count += 1) {
    sum += Math.log(count);
    assert.ok(Math.abs(logFactorial(count) - sum) < 1e-10, `log ${count}!`);
  }
});

test("normal numbers have mean 0 and variance 1", () => {
  const normal = normalOf(randomOf(3));
  let sum = 0;
  let squares = 0;
  for (let draw = 0; draw < draws; draw += 1) {
    const value = normal();
    sum += value;
    squares += value * value;
  }
  // Five standard errors: 1/sqrt(n), and sqrt(2/n).
  assert.ok(Math.abs(sum / draws) < 5 / Math.sqrt(draws));
  assert.ok(Math.abs(squares / draws - 1) < 5 * Math.sqrt(2 / draws));
});

test("streams of different keys differ, those of the same key do not", () => {
  const first = (...key: number[]): number[] => {
    const random = randomOf(...key);
    return [random(), random(), random()];
  };
  assert.deepEqual(first(1, 2, 3), first(1, 2, 3));
  const keys = [
    [1, 2, 3],
    [1, 3, 2],
    [0, 0, 0],
    [0, 0],
    [2, 2, 3],
    [1, 2, 4],
  ];
  assert.equal(new Set(keys.map((key) => first(...key).join())).size, keys.length);
});
