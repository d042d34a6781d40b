import assert from "node:assert/strict";
import { test } from "node:test";
import { carryNonFinite, watchNonFinite } from "../../../runtime/intensity/non-finite.ts";

const source = Float32Array.of(1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0);

test("NaN and infinities are counted by plane; integers are not looked through", () => {
  const seen = watchNonFinite("float32");
  seen.look(0, Float32Array.of(1, 2));
  seen.look(3, source);
  assert.deepEqual([seen.has(0), seen.has(3), seen.count()], [false, true, 3]);
  const integers = watchNonFinite("uint16");
  integers.look(0, Uint16Array.of(65535));
  assert.equal(integers.count(), 0);
});

test("in a float result they stand where they stood, whatever the network made there", () => {
  const into = Float32Array.of(10, 11, 12, 13, 14);
  carryNonFinite(source, "float32", into);
  assert.deepEqual([...into], [10, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 14]);
});

test("in an integer result NaN is 0 and infinities are its bounds", () => {
  const unsigned = Uint16Array.of(10, 11, 12, 13, 14);
  carryNonFinite(source, "uint16", unsigned);
  assert.deepEqual([...unsigned], [10, 0, 65535, 0, 14]);
  const signed = Int16Array.of(10, 11, 12, 13, 14);
  carryNonFinite(source, "int16", signed);
  assert.deepEqual([...signed], [10, 0, 32767, -32768, 14]);
});
