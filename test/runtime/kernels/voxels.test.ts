import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { type Samples, type SampleType, sampleTypes } from "../../../core/acquisition.ts";
import { roundHalfToEven } from "../../../core/round.ts";
import { assemble } from "../../../runtime/kernels/assemble.ts";
import { inputWriter, quantize } from "../../../runtime/kernels/voxels.ts";

const integers = ["uint8", "int8", "uint16", "int16", "uint32", "int32"] as const;
/** Around the 16384 voxels that the kernels take at once, and no multiple of the 4 that they compute at once. */
const lengths = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 16_380, max: 32_780 }));

/** Random samples with the extremes of their type among them. */
function samplesOf(sampleType: SampleType, length: number, seed: number): Samples {
  const { make, min, max, integer } = sampleTypes[sampleType];
  const into = make(length);
  const special = integer ? [min, max, 0] : [Number.NaN, Infinity, -Infinity, 3e38, -0];
  for (let i = 0; i < length; i += 1) {
    const fraction = (Math.imul(i + seed, 2654435761) >>> 0) / 2 ** 32;
    const chosen = special[(i + seed) % 37];
    into[i] = chosen ?? (integer ? min + Math.floor(fraction * (max - min)) : (fraction - 0.5) * 1e5);
  }
  return into;
}

test("the binary is what its source assembles to", async () => {
  const binary = readFileSync(new URL("../../../runtime/kernels/voxels.wasm", import.meta.url));
  assert.deepEqual(new Uint8Array(binary), new Uint8Array(await assemble()));
});

test("network input is, bit by bit, what the written-out arithmetic gives", () => {
  const types = fc.constantFrom(...([...integers, "float32", "float64"] as const));
  const law = fc.property(
    types,
    lengths,
    fc.nat(1000),
    fc.boolean(),
    fc.option(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { nil: undefined }),
    (sampleType, length, seed, clip, offset) => {
      const samples = samplesOf(sampleType, length, seed);
      // Without an offset: no map at all.
      const [low, scale] = offset === undefined ? [0, 1] : [offset, 1 / 731];
      const [min, max] = [clip ? 0 : -Infinity, clip ? 1 : Infinity];
      const expected = Float32Array.from(samples as Float64Array, (x) => {
        const value = Math.fround((x - low) * scale);
        if (!Number.isFinite(value)) return 0;
        return value < min ? min : value > max ? max : value;
      });
      const found = new Float32Array(length);
      const writer = inputWriter(found, { low, scale, min, max });
      const third = Math.floor(length / 3);
      writer.append(samples, 0, third);
      writer.appendEach(
        samples,
        third,
        Int32Array.from({ length: third }, (_, i) => i),
      );
      writer.append(samples, 2 * third, length);
      writer.finish();
      assert.deepEqual(found, expected);
    },
  );
  fc.assert(law, { numRuns: 60 });
});

test("samples are, bit by bit, what the written-out arithmetic gives, and clipped ones are counted", () => {
  const law = fc.property(
    fc.constantFrom(...integers),
    lengths,
    fc.nat(1000),
    fc.option(fc.double({ min: -3, max: 3, noNaN: true }), { nil: undefined }),
    (sampleType, length, seed, random) => {
      const [gain, offset] = random === undefined ? [1, 0] : [random, 0.5];
      const { make, min, max } = sampleTypes[sampleType];
      const values = samplesOf("float32", length, seed) as Float32Array;
      const expected = make(length);
      let clipped = 0;
      for (const [i, value] of values.entries()) {
        const rounded = roundHalfToEven(value * gain + offset);
        const inside = rounded >= min && rounded <= max;
        if (!inside) clipped += 1;
        expected[i] = inside ? rounded : rounded > max ? max : rounded < min ? min : 0;
      }
      const found = make(length);
      assert.equal(quantize(values, { gain, offset, min, max }, found), clipped);
      assert.deepEqual(found, expected);
    },
  );
  fc.assert(law, { numRuns: 60 });
});
