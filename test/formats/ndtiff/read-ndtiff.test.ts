import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { openFile } from "../../../formats/open.ts";
import { planesIn } from "../../../formats/plane/plane-source.ts";
import { assertTrue, liveFixtures, liveFolders, onlyImage } from "../live-truth.ts";
import { buildNdTiff, indexEntry, type NdTiffImage, type NdTiffSpec } from "./build-ndtiff.ts";

const scratch = mkdtempSync(join(tmpdir(), "ndtiff-"));
after(() => rmSync(scratch, { recursive: true }));

let made = 0;
function folderOf(spec: NdTiffSpec): string {
  made += 1;
  const folder = join(scratch, `exp_${made}`);
  buildNdTiff(folder, spec);
  return folder;
}

/** The value of each plane, in T, C, Z order. */
async function valuesOf(folder: string, series = 0): Promise<number[]> {
  const image = (await openFile(folder)).series[series];
  assert.ok(image !== undefined && "acquisition" in image);
  const values: number[] = [];
  for (const index of planesIn(image.acquisition.sizes)) {
    const samples = await image.readPlane(index);
    assert.ok(samples.every((sample: number) => sample === samples[0]));
    values.push(samples[0] ?? Number.NaN);
  }
  return values;
}

/** The line that a person reads, or "read". */
async function lineOf(folder: string): Promise<string> {
  try {
    await openFile(folder);
    return "read";
  } catch (error) {
    assert.ok(isEdgeError(error) && error.remedy !== undefined, String(error));
    return describeError(error).replaceAll(scratch, "");
  }
}

for (const name of ["ndtiff-java", "ndtiff-python/live_1"]) {
  test(`every plane of the fixture ${name} is as it was recorded, with names and sizes`, async () => {
    const folder = join(liveFixtures, name);
    const image = await onlyImage(folder);
    await assertTrue(image);
    const { original, ...told } = image.acquisition;
    const um = (value: number) => ({ value, unit: "µm", um: value });
    assert.deepEqual(told, {
      file: folder,
      members: [join(folder, "NDTiff.index"), join(folder, "live_NDTiffStack.tif")],
      series: 0,
      seriesCount: 1,
      make: "NDTiff",
      axes: "TCZYX",
      shape: [3, 2, 2, 32, 32],
      sizes: { t: 3, c: 2, z: 2, y: 32, x: 32 },
      sampleType: "uint16",
      pixelSize: { x: um(0.325), y: um(0.325), z: um(1.5) },
      timeIncrement: { value: 50, unit: "ms", s: 0.05 },
      channels: [{ name: "GFP" }, { name: "mCherry" }],
      compression: "none",
      byteOrder: "little",
      notes: [],
    });
    assert.ok(original.kind === "text" && original.text.includes("ChNames"));
  });
}

test("an acquisition that was never closed is read as far as its index goes, and a note says that it was not closed", async () => {
  const [source] = liveFolders(/^ndtiff-java$/);
  const folder = join(scratch, "open");
  cpSync(source ?? "", folder, { recursive: true });
  const index = readFileSync(join(folder, "NDTiff.index"));
  // The writer lays both files out long, and cuts them when it closes them.
  writeFileSync(
    join(folder, "NDTiff.index"),
    Buffer.concat([index, Buffer.alloc(26_214_400 - index.length)]),
  );
  truncateSync(join(folder, "live_NDTiffStack.tif"), 4_294_967_296);
  const image = await onlyImage(folder);
  await assertTrue(image);
  assert.deepEqual(image.acquisition.notes, [
    "the acquisition was not closed: the planes that its index names are read, and there may be more",
  ]);
});

test("each position is an image, with planes that were not taken as 0 and their number in the notes", async () => {
  const images: NdTiffImage[] = [];
  for (const time of [0, 1, 2]) {
    for (const position of [10, 2]) {
      for (const z of [-1, 0, 1]) {
        if (position === 2 && (time === 1 || z === 1)) continue;
        images.push({ axes: { time, position, z }, value: 100 * time + 10 * position + z });
      }
    }
  }
  const { series, files } = await openFile(folderOf({ images }));
  assert.equal(files.length, 1);
  const told = series.map((one) => ("acquisition" in one ? one.acquisition : undefined));
  assert.deepEqual(
    told.map((one) => [one?.name, one?.sizes, one?.notes]),
    [
      ["position 2", { t: 3, c: 1, z: 3, y: 3, x: 4 }, ["5 of 9 planes were not taken: they are read as 0"]],
      ["position 10", { t: 3, c: 1, z: 3, y: 3, x: 4 }, []],
    ],
  );
  const folder = files[0] ?? "";
  assert.deepEqual(await valuesOf(folder), [19, 20, 0, 0, 0, 0, 219, 220, 0]);
  assert.deepEqual(await valuesOf(folder, 1), [99, 100, 101, 199, 200, 201, 299, 300, 301]);
});

test("channels stand in the order of the summary, else as they come, and positions may have names", async () => {
  const images: NdTiffImage[] = [
    { axes: { channel: "b", position: "well A" }, value: 2 },
    { axes: { channel: "a", position: "well A" }, value: 1 },
    { axes: { channel: "c", position: "well A" }, value: 3, fileName: "a_NDTiffStack_1.tif" },
  ];
  const summary = { ChNames: ["x", "a", "c", "b"] };
  for (const [spec, names, values] of [
    [{ images, summary }, ["a", "c", "b"], [1, 3, 2]],
    [{ images, endian: "big" }, ["b", "a", "c"], [2, 1, 3]],
  ] as const) {
    const folder = folderOf(spec);
    const { acquisition } = await onlyImage(folder);
    assert.deepEqual(
      acquisition.channels,
      names.map((name) => ({ name })),
    );
    assert.deepEqual([acquisition.name, acquisition.members.length], ["well A", 3]);
    assert.deepEqual(await valuesOf(folder), values);
  }
  const numbered = folderOf({
    images: [0, 1].map((channel) => ({ axes: { channel }, value: channel })),
    summary,
  });
  assert.deepEqual((await onlyImage(numbered)).acquisition.channels, [{ name: "x" }, { name: "a" }]);
});

test("a plane that was taken again is read as it was taken last, and a camera's bits are told", async () => {
  const axes = { time: 0 };
  const folder = folderOf({
    images: [
      { axes, value: 7, pixelType: 4 },
      { axes, value: 9, pixelType: 4 },
    ],
  });
  assert.deepEqual(await valuesOf(folder), [9]);
  assert.equal((await onlyImage(folder)).acquisition.significantBits, 12);
  assert.deepEqual(await valuesOf(folderOf({ images: [{ axes, value: 255, pixelType: 0 }] })), [255]);
});

test("the size of a pixel comes from the summary, else from what is said of the first image", async () => {
  const images = [{ axes: {}, value: 1, about: { PixelSizeUm: 0.5 } }];
  for (const [summary, um] of [
    [{ PixelSize_um: 0.2 }, 0.2],
    [{ PixelSize_um: 0 }, 0.5],
    [{}, 0.5],
  ] as const) {
    const { acquisition } = await onlyImage(folderOf({ images, summary }));
    assert.equal(acquisition.pixelSize.x?.um, um);
  }
});

const one = (image: Partial<NdTiffImage>): NdTiffSpec => ({
  images: [{ axes: { time: 0 }, value: 1, ...image }],
});
const refused: readonly (readonly [what: string, spec: NdTiffSpec, says: RegExp])[] = [
  ["no planes", { images: [] }, /no planes, or not yet/],
  ["zeros only", { images: [], open: 4096 }, /no planes, or not yet/],
  ["colour", one({ pixelType: 2 }), /not read \(the entry at byte 0; found RGB/],
  ["an unknown type", one({ pixelType: 9 }), /pixel type 9/],
  ["compression", one({ compression: 1 }), /compression 1/],
  ["a file in another folder", one({ fileName: "../a.tif" }), /damaged \(.*the file name "..\/a.tif"/],
  ["planes without size", one({ width: 0 }), /damaged \(.*0 x 3 pixels/],
  ["a place that is no number", one({ axes: { time: 1.5 } }), /axes that are no JSON object/],
  [
    "a time that has a name",
    one({ axes: { time: "noon" } }),
    /axis time of the NDTiff is not read \(found "noon"; expected numbers/,
  ],
  ["a time beyond measure", one({ axes: { time: 2 ** 52 } }), /larger than is allowed/],
  ["a channel beyond measure", one({ axes: { channel: 2 ** 31 } }), /larger than is allowed/],
  ["another version", { ...one({}), version: 2 }, /this version of NDTiff is not read \(found 2; expected 3/],
  [
    "another axis",
    {
      images: [
        { axes: { row: 0 }, value: 1 },
        { axes: { row: 1 }, value: 1 },
      ],
    },
    /an axis that is not read \(found "row" with 0 and 1/,
  ],
  [
    "two sizes",
    {
      images: [
        { axes: { z: 0 }, value: 1 },
        { axes: { z: 1 }, value: 1, width: 5 },
      ],
    },
    /not of one size and type \(found 5 x 3 uint16; expected 4 x 3 uint16/,
  ],
  [
    "names and numbers",
    {
      images: [
        { axes: { channel: 0 }, value: 1 },
        { axes: { channel: "a" }, value: 1 },
      ],
    },
    /axis channel .* names or numbers/,
  ],
];

test("an NDTiff of an unknown kind or beyond measure is refused by one line", async () => {
  for (const [what, spec, says] of refused) assert.match(await lineOf(folderOf(spec)), says, what);
});

test("a cut index, a cut file and a missing one are refused by name, wherever the cut is", async () => {
  const images = [0, 1, 2].map((time) => ({ axes: { time }, value: time }));
  const lengths = images.map((image) => indexEntry(image, 0).length);
  const ends = new Set([0, lengths[0], (lengths[0] ?? 0) + (lengths[1] ?? 0)]);
  const folder = folderOf({ images });
  const index = readFileSync(join(folder, "NDTiff.index"));
  const data = readFileSync(join(folder, "a_NDTiffStack.tif"));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: index.length - 1 }), async (length) => {
      writeFileSync(join(folder, "NDTiff.index"), index.subarray(0, length));
      const line = await lineOf(folder);
      if (ends.has(length)) assert.equal(line, "read");
      else assert.match(line, /NDTiff.index: the index of the NDTiff ends inside an entry/);
    }),
  );
  writeFileSync(join(folder, "NDTiff.index"), index);
  for (const length of [0, 10, 28, data.length - 1]) {
    writeFileSync(join(folder, "a_NDTiffStack.tif"), data.subarray(0, length));
    assert.match(await lineOf(folder), /a_NDTiffStack.tif: a file of the NDTiff is cut/, String(length));
  }
  rmSync(join(folder, "a_NDTiffStack.tif"));
  assert.match(await lineOf(folder), /a_NDTiffStack.tif: a file of the NDTiff is not there/);
  writeFileSync(join(folder, "a_NDTiffStack.tif"), Buffer.alloc(data.length));
  assert.match(await lineOf(folder), /is no NDTiff, or not yet/);
});

test("whatever bytes an index holds, reading it ends with an image or with one line", async () => {
  const folder = folderOf({ images: [0, 1].map((time) => ({ axes: { time, channel: "a" }, value: 1 })) });
  const index = readFileSync(join(folder, "NDTiff.index"));
  const changes = fc.array(fc.tuple(fc.nat(index.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(changes, async (changed) => {
      const bytes = Buffer.from(index);
      for (const [at, byte] of changed) bytes[at] = byte;
      writeFileSync(join(folder, "NDTiff.index"), bytes);
      const line = await lineOf(folder);
      assert.ok(!/internal error/.test(line), line);
    }),
    { numRuns: 200 },
  );
});
