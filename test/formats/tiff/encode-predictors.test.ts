import assert from "node:assert/strict";
import { test } from "node:test";
import { differenceRows, spreadAndDifferenceRows } from "../../../formats/tiff/encode-predictors.ts";

test("differences start anew in each row and wrap around", () => {
  const samples = Uint16Array.of(5, 7, 6, 0, 65535, 1);
  const out = new Uint16Array(6);
  differenceRows(new Uint8Array(samples.buffer), new Uint8Array(out.buffer), 6, 2);
  assert.deepEqual([...out], [5, 2, 65535, 0, 65535, 2]);
});

test("differences of bytes are bytes", () => {
  const out = new Uint8Array(4);
  differenceRows(Uint8Array.of(250, 4, 4, 3), out, 4, 1);
  assert.deepEqual([...out], [250, 10, 0, 255]);
});

test("floats are spread by the weight of their bytes, heaviest first, then differenced", () => {
  // 1 is 3f800000, -2 is c0000000.
  const samples = Float32Array.of(1, -2);
  const out = new Uint8Array(8);
  spreadAndDifferenceRows(new Uint8Array(samples.buffer), out, 8, 4);
  const spread = [0x3f, 0xc0, 0x80, 0, 0, 0, 0, 0];
  assert.deepEqual(
    [...out],
    spread.map((byte, index) => (byte - (spread[index - 1] ?? 0)) & 0xff),
  );
});
