import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { isEdgeError } from "../../core/errors.ts";
import { encodePng } from "../../formats/png.ts";

interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly colourType: number;
  readonly values: number[];
}

/** Grey PNGs as the standard has them (ISO/IEC 15948): IHDR, IDAT, and the five row filters. */
function decodePng(png: Buffer): Decoded {
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT")
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const [width, height, bits, colourType] = [
    png.readUInt32BE(16),
    png.readUInt32BE(20),
    png[24] ?? 0,
    png[25] ?? 0,
  ];
  const rows = inflateSync(Buffer.concat(data));
  const out = Buffer.alloc(height * width);
  for (let y = 0; y < height; y += 1) {
    const filter = rows[y * (width + 1)] ?? 0;
    for (let x = 0; x < width; x += 1) {
      const left = x > 0 ? (out[y * width + x - 1] ?? 0) : 0;
      const up = y > 0 ? (out[(y - 1) * width + x] ?? 0) : 0;
      const upLeft = x > 0 && y > 0 ? (out[(y - 1) * width + x - 1] ?? 0) : 0;
      const guess = left + up - upLeft;
      const [dl, du, dul] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - upLeft)];
      const paeth = dl <= du && dl <= dul ? left : du <= dul ? up : upLeft;
      const predicted = [0, left, up, (left + up) >> 1, paeth][filter] ?? 0;
      out[y * width + x] = (rows[y * (width + 1) + 1 + x] ?? 0) + predicted;
    }
  }
  return { width, height, bits, colourType, values: [...out] };
}

test("a plane becomes a grey PNG of 8 bits between black and white, clipped beyond", async () => {
  const samples = Uint16Array.of(50, 100, 150, 200, 250, 9999);
  const png = await encodePng(samples, { width: 3, height: 2, black: 100, white: 200 });
  assert.deepEqual(decodePng(Buffer.from(png)), {
    width: 3,
    height: 2,
    bits: 8,
    colourType: 0,
    values: [0, 0, 128, 255, 255, 255],
  });
});

test("NaN is black", async () => {
  const samples = Float32Array.of(1, Number.NaN);
  const png = await encodePng(samples, { width: 2, height: 1, black: 0, white: 255 });
  assert.deepEqual(decodePng(Buffer.from(png)).values, [1, 0]);
});

test("a plane of another size than stated, or white below black, is refused", async () => {
  const spec = { width: 2, height: 2, black: 0, white: 1 };
  const refused = (error: unknown): boolean => isEdgeError(error, "png-spec");
  await assert.rejects(encodePng(new Uint8Array(3), spec), refused);
  await assert.rejects(encodePng(new Uint8Array(4), { ...spec, white: 0 }), refused);
});
