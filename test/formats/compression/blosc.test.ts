import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { readBloscHeader, unpackBlosc } from "../../../formats/compression/blosc.ts";
import { unpackLz4 } from "../../../formats/compression/lz4.ts";

interface Packed {
  readonly name: string;
  readonly codec: "blosc" | "lz4";
  readonly length: number;
  readonly shift: number;
  /** Base64. */
  readonly packed: string;
}

/** What numcodecs 0.16.6 packed: `test/peers/packed_bytes.py`. */
const fixture = join(import.meta.dirname, "../../fixtures/compression/packed.json");
const cases = JSON.parse(readFileSync(fixture, "utf8")) as readonly Packed[];

function plainOf({ length, shift }: Packed): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => Math.floor((i * i) / 2 ** shift) & 255));
}

async function unpacked(one: Packed, packed: Uint8Array): Promise<Buffer | undefined> {
  if (one.codec === "blosc") {
    const made = await unpackBlosc(packed, one.length);
    return made && Buffer.from(made);
  }
  const output = Buffer.alloc(one.length);
  return unpackLz4(packed, output) ? output : undefined;
}

test("what numcodecs packed with Blosc and LZ4 is unpacked bit for bit, with each packer and each filter", async () => {
  assert.ok(cases.length > 150);
  for (const one of cases) {
    const packed = Buffer.from(one.packed, "base64");
    assert.deepEqual(await unpacked(one, packed), plainOf(one), `${one.name}, ${one.length} bytes`);
  }
});

test("a chunk of Blosc or a block of LZ4 that is cut anywhere is never taken for a whole one", async () => {
  for (const one of cases.filter(({ length }) => length < 300)) {
    const packed = Buffer.from(one.packed, "base64");
    for (let length = 0; length < packed.length; length += 1) {
      assert.equal(
        await unpacked(one, packed.subarray(0, length)),
        undefined,
        `${one.name} cut at ${length}`,
      );
    }
  }
});

test("whatever stands in a packed chunk, unpacking ends with the right number of bytes or with none", async () => {
  const source = fc.constantFrom(...cases.filter(({ length }) => length <= 2048));
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(source, changes, async (one, changed) => {
      const packed = Buffer.from(one.packed, "base64");
      for (const [at, byte] of changed) packed[at % packed.length] = byte;
      const made = await unpacked(one, packed);
      assert.ok(made === undefined || made.length === one.length);
    }),
    { numRuns: 500 },
  );
});

test("a chunk that states another size than is due is refused before its size is taken from memory", async () => {
  const one = cases.find(({ codec, length }) => codec === "blosc" && length === 2048);
  assert.ok(one !== undefined);
  const packed = Buffer.from(one.packed, "base64");
  packed.writeUInt32LE(0xffff_fff0, 4);
  assert.equal(await unpackBlosc(packed, one.length), undefined);
  assert.equal(readBloscHeader(Buffer.concat([Buffer.from([5]), packed.subarray(1)])), undefined);
});
