import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { floatToHalf } from "../../../export/onnx/graph-builder.ts";
import { halfToFloat } from "../../../export/torch/element-types.ts";

test("every half-precision number survives the way through a double", () => {
  for (let bits = 0; bits < 0x10000; bits += 1) {
    const value = halfToFloat(bits);
    if (Number.isNaN(value)) assert.equal(floatToHalf(value), 0x7e00);
    else assert.equal(floatToHalf(value), bits);
  }
});

test("a number becomes one of its two neighbours, the nearer one, ties to even", () => {
  fc.assert(
    fc.property(fc.double({ min: -65504, max: 65504, noNaN: true }), (value) => {
      const bits = floatToHalf(value);
      const error = Math.abs(halfToFloat(bits) - value);
      const magnitude = bits & 0x7fff;
      for (const neighbour of [magnitude - 1, magnitude + 1].filter((m) => m >= 0 && m <= 0x7bff)) {
        const other = Math.abs(halfToFloat((bits & 0x8000) | neighbour) - value);
        assert.ok(error < other || (error === other && bits % 2 === 0), `${value}`);
      }
    }),
  );
});

test("what is too large becomes infinity from half-way on", () => {
  assert.equal(floatToHalf(65519.99), 0x7bff);
  assert.equal(floatToHalf(65520), 0x7c00);
  assert.equal(floatToHalf(-1e9), 0xfc00);
});
