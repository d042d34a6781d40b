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
  const pixelBytes = bits / 8;
  const rowBytes = width * pixelBytes;
  const out = Buffer.alloc(height * rowBytes);
  for (let y = 0; y < height; y += 1) {
    const filter = rows[y * (rowBytes + 1)] ?? 0;
    for (let x = 0; x < rowBytes; x += 1) {
      const left = x >= pixelBytes ? (out[y * rowBytes + x - pixelBytes] ?? 0) : 0;
      const up = y > 0 ? (out[(y - 1) * rowBytes + x] ?? 0) : 0;
      const upLeft = x >= pixelBytes && y > 0 ? (out[(y - 1) * rowBytes + x - pixelBytes] ?? 0) : 0;
      const guess = left + up - upLeft;
      const [dl, du, dul] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - upLeft)];
      const paeth = dl <= du && dl <= dul ? left : du <= dul ? up : upLeft;
      const predicted = [0, left, up, (left + up) >> 1, paeth][filter] ?? 0;
      out[y * rowBytes + x] = (rows[y * (rowBytes + 1) + 1 + x] ?? 0) + predicted;
    }
  }
  const values = Array.from({ length: width * height }, (_, index) =>
    bits === 8 ? (out[index] ?? 0) : out.readUInt16BE(2 * index),
  );
  return { width, height, bits, colourType, values };
}

test("a plane becomes a grey PNG of 8 bits between black and white, clipped beyond", async () => {
  const samples = Uint16Array.of(50, 100, 150, 200, 250, 9999);
  const png = await encodePng(samples, { width: 3, height: 2, bits: 8, black: 100, white: 200 });
  assert.deepEqual(decodePng(Buffer.from(png)), {
    width: 3,
    height: 2,
    bits: 8,
    colourType: 0,
    values: [0, 0, 128, 255, 255, 255],
  });
});

test("16 bits keep every value, and NaN is black", async () => {
  const samples = Float32Array.of(0, 1, 2, 40_000, 65_535, Number.NaN);
  const png = await encodePng(samples, { width: 2, height: 3, bits: 16, black: 0, white: 65_535 });
  const { bits, colourType, values } = decodePng(Buffer.from(png));
  assert.deepEqual([bits, colourType], [16, 0]);
  assert.deepEqual(values, [0, 1, 2, 40_000, 65_535, 0]);
});

test("a plane of another size than stated, or white below black, is refused", async () => {
  const spec = { width: 2, height: 2, bits: 8, black: 0, white: 1 } as const;
  const refused = (error: unknown): boolean => isEdgeError(error, "png-spec");
  await assert.rejects(encodePng(new Uint8Array(3), spec), refused);
  await assert.rejects(encodePng(new Uint8Array(4), { ...spec, white: 0 }), refused);
});
