import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { Zstd } from "@hpcc-js/wasm-zstd";
import fc from "fast-check";
import { inflateBounded, unzstdBounded } from "../../formats/compression/unpack-bounded.ts";
import { decodeLzw, undoFloatingPoint, undoHorizontal, unpackBits } from "../../formats/tiff/codecs.ts";

test("PackBits unpacks Apple's example of TIFF 6.0", () => {
  // Technical Note TN1023, which TIFF 6.0 section 9 refers to.
  const packed = Buffer.from("fe aa 02 80 00 2a fd aa 03 80 00 2a 22 f7 aa".replaceAll(" ", ""), "hex");
  const output = new Uint8Array(24);
  assert.equal(unpackBits(packed, output), 24);
  const expected = `aaaaaa 80002a aaaaaaaa 80002a22 ${"aa".repeat(10)}`.replaceAll(" ", "");
  assert.equal(Buffer.from(output).toString("hex"), expected);
});

test("PackBits stops where input or output ends, and -128 means nothing", () => {
  assert.equal(unpackBits(Uint8Array.of(0x80, 0, 7), new Uint8Array(4)), 1);
  assert.equal(unpackBits(Uint8Array.of(5, 1, 2), new Uint8Array(9)), 2);
  assert.equal(unpackBits(Uint8Array.of(0x81, 9), new Uint8Array(3)), 3);
  assert.equal(unpackBits(Uint8Array.of(0xfe), new Uint8Array(3)), 0);
});

/** Packs codes most significant bit first; the widths are the writer's. */
function packCodes(codes: readonly (readonly [code: number, width: number])[]): Uint8Array {
  const bits = codes.map(([code, width]) => code.toString(2).padStart(width, "0")).join("");
  return Uint8Array.from(bits.match(/.{1,8}/g) ?? [], (byte) => Number.parseInt(byte.padEnd(8, "0"), 2));
}

/** A plain LZW encoder as TIFF 6.0 section 13 words it, with strings as table keys. */
function encodeLzw(bytes: Uint8Array): Uint8Array {
  const codes: [number, number][] = [[256, 9]];
  let table = new Map<string, number>();
  let width = 9;
  let free = 258;
  let held = "";
  const codeOf = (text: string): number => (text.length === 1 ? text.charCodeAt(0) : (table.get(text) ?? -1));
  for (const byte of bytes) {
    const longer = held + String.fromCharCode(byte);
    if (longer.length === 1 || table.has(longer)) {
      held = longer;
      continue;
    }
    codes.push([codeOf(held), width]);
    table.set(longer, free);
    free += 1;
    if (free === 511 || free === 1023 || free === 2047) width += 1;
    if (free === 4094) {
      codes.push([256, width]);
      table = new Map();
      width = 9;
      free = 258;
    }
    held = String.fromCharCode(byte);
  }
  if (held !== "") codes.push([codeOf(held), width]);
  // The decoder has made its entry by now, so the end code may be wider.
  free += 1;
  if (free === 511 || free === 1023 || free === 2047) width += 1;
  codes.push([257, width]);
  return packCodes(codes);
}

test("LZW decodes the example of TIFF 6.0 section 13", () => {
  const packed = packCodes([256, 7, 258, 8, 8, 258, 6, 6, 257].map((code) => [code, 9]));
  const output = new Uint8Array(9);
  assert.equal(decodeLzw(packed, output), 9);
  assert.deepEqual([...output], [7, 7, 7, 8, 8, 7, 7, 6, 6]);
});

test("LZW gives back whatever a plain encoder packed", () => {
  const runs = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 900 })), { maxLength: 30 });
  fc.assert(
    fc.property(runs, fc.uint8Array({ maxLength: 6000 }), (repeated, noise) => {
      const bytes = Uint8Array.from([
        ...repeated.flatMap(([value, length]) => Array<number>(length).fill(value)),
        ...noise,
      ]);
      const output = new Uint8Array(bytes.length);
      assert.equal(decodeLzw(encodeLzw(bytes), output), bytes.length);
      assert.deepEqual(output, bytes);
    }),
    { numRuns: 60 },
  );
});

test("LZW refuses a code that was never defined, and a cut stream is short", () => {
  const undefinedCode = packCodes([256, 7, 300].map((code) => [code, 9]));
  assert.equal(decodeLzw(undefinedCode, new Uint8Array(9)), undefined);
  const copyFirst = packCodes([256, 258].map((code) => [code, 9]));
  assert.equal(decodeLzw(copyFirst, new Uint8Array(9)), undefined);
  assert.equal(decodeLzw(packCodes([256, 7].map((code) => [code, 9])), new Uint8Array(9)), 1);
});

test("LZW never writes beyond its output", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(300), (input, size) => {
      const made = decodeLzw(input, new Uint8Array(size));
      assert.ok(made === undefined || made <= size);
    }),
  );
});

test("horizontal differences add up and wrap, row by row", () => {
  const rows = Uint16Array.of(10, 5, 0xffff, 1, 1, 1);
  undoHorizontal(rows, 3);
  assert.deepEqual([...rows], [10, 15, 14, 1, 2, 3]);
  const wide = BigUint64Array.of(2n ** 63n, 2n ** 63n);
  undoHorizontal(wide, 2);
  assert.deepEqual([...wide], [2n ** 63n, 0n]);
});

test("the floating point predictor joins bytes that lie apart, most significant first", () => {
  const values = Float32Array.of(1.5, -2.25, 1e-3);
  const little = new Uint8Array(values.buffer);
  const planes = Uint8Array.from({ length: 12 }, (_, i) => little[(i % 3) * 4 + 3 - Math.floor(i / 3)] ?? 0);
  const packed = planes.map((byte, i) => byte - (i > 0 ? (planes[i - 1] ?? 0) : 0));
  undoFloatingPoint(packed, 3, 4);
  assert.deepEqual([...new Float32Array(packed.buffer)], [...values]);
});

const zstd = await Zstd.load();
const megabyte = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * i) >> 7);

test("zstd unpacks, and refuses damage, cuts and bombs", () => {
  const packed = zstd.compress(megabyte);
  assert.deepEqual(Buffer.from(unzstdBounded(packed, 1 << 20) ?? []), Buffer.from(megabyte));
  assert.equal(unzstdBounded(packed, (1 << 20) - 1), undefined);
  assert.equal(unzstdBounded(packed.subarray(0, 1000), 1 << 20), undefined);
  assert.equal(unzstdBounded(Uint8Array.of(1, 2, 3), 9), undefined);
  const bomb = zstd.compress(new Uint8Array(1 << 27));
  assert.ok(bomb.length < 20_000);
  assert.equal(unzstdBounded(bomb, 4096), undefined);
});

test("a zstd frame that asks for a window of a gigabyte is refused unread", () => {
  const frame = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, (20 << 3) | 0, 1, 0, 0);
  assert.equal(unzstdBounded(frame, 1 << 20), undefined);
});

test("inflate stops at what is due", async () => {
  const packed = deflateSync(megabyte);
  assert.deepEqual(Buffer.from((await inflateBounded(packed, 1 << 20)) ?? []), Buffer.from(megabyte));
  assert.equal(await inflateBounded(packed, 4096), undefined);
  assert.equal(await inflateBounded(packed.subarray(0, 100), 1 << 20), undefined);
});
