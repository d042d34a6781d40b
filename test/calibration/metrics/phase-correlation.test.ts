import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { planOf, transform2d } from "../../../calibration/metrics/fourier-transform.ts";
import { phaseCorrelation } from "../../../calibration/metrics/phase-correlation.ts";

const shape = { height: 60, width: 72 };

/** Gaussian spots, whose shift by any fraction of a pixel is exact. */
function spots(moveY: number, moveX: number): Float32Array {
  const image = new Float32Array(shape.height * shape.width);
  for (const [y, x, light] of [
    [20.3, 30.1, 100],
    [37.2, 41.9, 60],
    [30.5, 24.6, 80],
  ] as const) {
    for (let row = 0; row < shape.height; row += 1) {
      for (let column = 0; column < shape.width; column += 1) {
        const square = (row - y - moveY) ** 2 + (column - x - moveX) ** 2;
        image[row * shape.width + column] =
          (image[row * shape.width + column] ?? 0) + light * Math.exp(-square / 8);
      }
    }
  }
  return image;
}

test("finds whole and broken shifts within a tenth of a pixel", () => {
  for (const [y, x] of [
    [0, 0],
    [3, -2],
    [-1, 5],
    [0.4, -0.3],
    [1.5, 0.25],
  ] as const) {
    const found = phaseCorrelation(spots(0, 0), spots(y, x), shape);
    assert.ok(
      Math.abs(found.y - y) < 0.1 && Math.abs(found.x - x) < 0.1,
      `${y}, ${x}: ${found.y}, ${found.x}`,
    );
  }
});

test("an empty image has no shift", () => {
  const empty = new Float32Array(shape.height * shape.width);
  assert.deepEqual(phaseCorrelation(empty, empty, shape), { y: 0, x: 0 });
});

test("the inverse transform gives the values back, and power is kept", () => {
  const values = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), {
    minLength: 128,
    maxLength: 128,
  });
  fc.assert(
    fc.property(values, (array) => {
      const re = Float64Array.from(array);
      const spectrum = { height: 8, width: 16, re: re.slice(), im: new Float64Array(128) };
      const power = re.reduce((sum, value) => sum + value * value, 0);
      transform2d(spectrum, false);
      const spectral = spectrum.re.reduce(
        (sum, value, at) => sum + value ** 2 + (spectrum.im[at] ?? 0) ** 2,
        0,
      );
      assert.ok(Math.abs(spectral / 128 - power) <= 1e-9 * (1 + power));
      transform2d(spectrum, true);
      for (const [at, value] of re.entries()) assert.ok(Math.abs((spectrum.re[at] ?? 0) - value) < 1e-9);
    }),
    { numRuns: 30 },
  );
});

test("a cosine has its power at its frequency only", () => {
  const re = Float64Array.from({ length: 32 }, (_, at) => Math.cos((2 * Math.PI * 5 * at) / 32));
  const im = new Float64Array(32);
  planOf(32)(re, im, false);
  for (const [at, value] of re.entries())
    assert.ok(Math.abs(value - (at === 5 || at === 27 ? 16 : 0)) < 1e-12);
});
