import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { planesIn } from "../../../formats/plane/plane-source.ts";
import { onlyImage } from "../live-truth.ts";
import { buildZarr, sampleAt, type ZarrSpec } from "./build-zarr.ts";

const scratch = mkdtempSync(join(tmpdir(), "any-zarr-"));
after(() => rmSync(scratch, { recursive: true }));

let made = 0;
function build(spec: ZarrSpec): string {
  made += 1;
  const folder = join(scratch, `${made}.ome.zarr`);
  buildZarr(folder, spec);
  return folder;
}

/** Axes with their lengths, lengths of chunks and of shards. */
const layout = fc.subarray([..."tcz"]).chain((before) => {
  const axes = [...before, "y", "x"];
  const each = (max: number) => fc.tuple(...axes.map(() => fc.integer({ min: 1, max })));
  return fc.record({
    axes: fc.constant(axes.join("")),
    shape: each(5),
    chunk: each(4),
    shard: fc.option(each(3), { nil: undefined }),
    order: fc.option(fc.shuffledSubarray([...axes.keys()], { minLength: axes.length }), { nil: undefined }),
  });
});

const spec: fc.Arbitrary<ZarrSpec> = fc
  .record({
    layout,
    format: fc.constantFrom(2 as const, 3 as const),
    sampleType: fc.constantFrom("uint8" as const, "uint16" as const, "int16" as const, "float32" as const),
    endian: fc.constantFrom("little" as const, "big" as const),
    packer: fc.constantFrom(undefined, "gzip" as const, "zstd" as const),
    crc: fc.boolean(),
    separator: fc.constantFrom("/" as const, "." as const),
    indexAt: fc.constantFrom("start" as const, "end" as const),
    fill: fc.integer({ min: 0, max: 100 }),
    absent: fc.integer({ min: 2, max: 9 }),
  })
  .map(({ layout, absent, ...rest }): ZarrSpec => {
    const axes = [...layout.axes.split("").keys()];
    const isAbsent = (place: readonly number[]) =>
      place.some((at) => at > 0) && sampleAt(place) % absent === 0;
    const { format } = rest;
    const { shard, order, ...lengths } = layout;
    const reversed = order === undefined ? {} : { order: format === 2 ? axes.toReversed() : order };
    if (format === 2) return { ...rest, ...lengths, ...reversed, isAbsent, crc: false } as ZarrSpec;
    return {
      ...rest,
      ...lengths,
      ...reversed,
      ...(shard === undefined ? {} : { shard }),
      isAbsent,
    } as ZarrSpec;
  });

test("each sample of any image comes from its place, whatever its axes, chunks, shards, order and codecs", async () => {
  await fc.assert(
    fc.asyncProperty(spec, async (one) => {
      const folder = build(one);
      const series = await onlyImage(folder);
      const { sizes } = series.acquisition;
      for (const index of planesIn(sizes)) {
        const samples = await series.readPlane(index);
        for (let y = 0; y < sizes.y; y += 1) {
          for (let x = 0; x < sizes.x; x += 1) {
            const at = { ...index, y, x };
            const place = [...one.axes].map((axis) => at[axis as keyof typeof at]);
            const chunk = place.map((value, axis) => Math.floor(value / (one.chunk[axis] ?? 1)));
            const due = one.isAbsent?.(chunk) ? one.fill : sampleAt(place);
            assert.equal(samples[y * sizes.x + x], due, JSON.stringify({ place, one }));
          }
        }
      }
      rmSync(folder, { recursive: true });
    }),
    { numRuns: 60 },
  );
});

test("chunks that a store leaves out are read as its fill value, and the notes say how many they are", async () => {
  for (const shard of [undefined, [1, 2, 1, 1]]) {
    const folder = build({
      format: 3,
      axes: "tzyx",
      shape: [2, 3, 8, 8],
      chunk: [1, 1, 8, 8],
      ...(shard === undefined ? {} : { shard }),
      fill: 7,
      isAbsent: ([t, z]) => t === 1 && z !== 0,
    });
    const { acquisition, readPlane } = await onlyImage(folder);
    assert.deepEqual(acquisition.notes, [
      "2 of 6 chunks are not in the OME-Zarr: as its format says, they are read as 7; a copy that is not complete looks the same",
    ]);
    assert.ok((await readPlane({ t: 1, c: 0, z: 2 })).every((sample: number) => sample === 7));
  }
});

test("a chunk of several planes is unpacked once for all of them, also where they are asked for at a time", async () => {
  const folder = build({
    format: 2,
    axes: "zyx",
    shape: [6, 16, 16],
    chunk: [6, 16, 16],
    packer: "gzip",
  });
  const { readPlane } = await onlyImage(folder);
  await Promise.all([0, 1, 2].map((z) => readPlane({ t: 0, c: 0, z })));
  // What was unpacked is kept: the file is not asked again.
  rmSync(join(folder, "0/0/0/0"));
  buildZarr(folder, { format: 2, axes: "zyx", shape: [6, 16, 16], chunk: [6, 16, 16] });
  const samples = await readPlane({ t: 0, c: 0, z: 5 });
  assert.equal(samples[17], sampleAt([5, 1, 1]));
});
