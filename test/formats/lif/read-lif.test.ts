import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { describeError, type EdgeError, isEdgeError } from "../../../core/errors.ts";
import { openFile } from "../../../formats/open.ts";
import { planesIn } from "../../../formats/plane/plane-source.ts";
import { sampleHash } from "../../../formats/plane/sample-hash.ts";
import { buildLif, type ImageSpec, plainStack, xmlPart } from "./build-lif.ts";

const fixtures = join(import.meta.dirname, "../../fixtures/lif");
const real = join(import.meta.dirname, "../../../../shared/data/formats/lif/xz-example.lif");
const scratch = mkdtempSync(join(tmpdir(), "lif-"));
after(() => rmSync(scratch, { recursive: true }));

interface ImageTruth {
  readonly path: string;
  readonly axes: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly sha256: string;
  readonly coords_si: Readonly<Record<string, { readonly step: number }>>;
}

interface Truth {
  readonly images?: readonly ImageTruth[];
  readonly refuse?: string;
}

let written = 0;
function fileOf(bytes: Uint8Array): string {
  written += 1;
  const file = join(scratch, `${written}.lif`);
  writeFileSync(file, bytes);
  return file;
}

/** What is read of each image, or why it is refused. */
async function imagesOf(file: string) {
  const opened = await openFile(file);
  try {
    const found = [];
    for (const series of opened.series) {
      if ("refusal" in series) {
        found.push(series.refusal);
        continue;
      }
      const planes: number[][] = [];
      for (const index of planesIn(series.acquisition.sizes))
        planes.push([...(await series.readPlane(index))]);
      found.push({ ...series.acquisition, planes, sha256: await sampleHash(series) });
    }
    return found;
  } finally {
    await opened.close();
  }
}

type ReadImage = Exclude<Awaited<ReturnType<typeof imagesOf>>[number], EdgeError>;

async function readImages(spec: readonly ImageSpec[], version: 1 | 2 = 2): Promise<ReadImage[]> {
  return (await imagesOf(fileOf(buildLif(spec, { version })))).map((one) => {
    if (isEdgeError(one)) assert.fail(describeError(one));
    return one;
  });
}

async function readImage(spec: ImageSpec, version: 1 | 2 = 2): Promise<ReadImage> {
  const [image] = await readImages([spec], version);
  return image ?? assert.fail("no image");
}

/** Of a file or of its first image, with the path left out. */
async function refusalOf(bytes: Uint8Array): Promise<{ line: string; error: EdgeError }> {
  const file = fileOf(bytes);
  try {
    const [first] = await imagesOf(file);
    if (isEdgeError(first)) return { line: describeError(first).replace(file, ""), error: first };
    assert.fail("it is read");
  } catch (error) {
    if (!isEdgeError(error)) throw error;
    return { line: describeError(error).replace(file, ""), error };
  }
}

/** liffile names Z and Y of XZ scans; read as planes, their axes are Y and Z. */
const planeAxes: Readonly<Record<string, string>> = { TCZX: "TCYX", YCZX: "ZCYX", CZX: "CYX" };

async function sameAsTruth(file: string, truths: readonly ImageTruth[]): Promise<void> {
  const images = await imagesOf(file);
  assert.equal(images.length, truths.length);
  for (const [i, truth] of truths.entries()) {
    const image = images[i];
    if (image === undefined || isEdgeError(image)) assert.fail(String(image));
    const { name, axes, shape, sampleType, sha256, pixelSize, timeIncrement } = image;
    const wanted = planeAxes[truth.axes] ?? truth.axes;
    assert.deepEqual(
      { name, axes, shape, sampleType, sha256 },
      { name: truth.path, axes: wanted, shape: truth.shape, sampleType: truth.dtype, sha256: truth.sha256 },
    );
    for (const [at, letter] of [...truth.axes].entries()) {
      const step = truth.coords_si[letter]?.step;
      if (step === undefined) continue;
      const axis = wanted[at]?.toLowerCase() ?? "";
      const read =
        axis === "t" ? timeIncrement?.s : (pixelSize[axis as "x" | "y" | "z"]?.um ?? Number.NaN) / 1e6;
      assert.ok(
        Math.abs((read ?? Number.NaN) / step - 1) < 1e-6,
        `${truth.path} ${letter}: ${read}, ${step}`,
      );
    }
  }
}

function truthOf(file: string): Truth {
  return JSON.parse(readFileSync(`${file}.json`, "utf8")) as Truth;
}

const made = readdirSync(fixtures).filter((name) => name.endsWith(".lif"));
for (const name of made.filter((one) => one !== "made-no-images.lif")) {
  test(`${name}: samples, sizes, steps and names are those that liffile reads`, async () => {
    const file = join(fixtures, name);
    await sameAsTruth(file, truthOf(file).images ?? []);
  });
}

const missing = existsSync(real) ? false : "the real LIF (GPL) is not here";
test("a real LIF with XZ scans has the samples, sizes, steps and names that liffile reads, and says what became of Z", {
  skip: missing,
}, async () => {
  await sameAsTruth(real, truthOf(real).images ?? []);
  const [xzt, xzy] = await imagesOf(real);
  if (isEdgeError(xzt) || isEdgeError(xzy)) assert.fail("refused");
  assert.deepEqual(xzt?.notes, ["each image was scanned in X and Z: Z is read as Y"]);
  assert.deepEqual(xzy?.notes, ["each image was scanned in X and Z: Z is read as Y, and Y as depth (Z)"]);
  const xml = xzt?.original.kind === "ome-xml" ? xzt.original.xml : "";
  for (const [key, value] of [
    ["LineAverage", "1"],
    ["ScanSpeed", "400"],
    ["TimeStamp count", "40"],
  ]) {
    assert.ok(xml.includes(`<M K="${key}">${value}</M>`), key);
  }
  assert.match(xml, /<AcquisitionDate>2021-03-04T/);
});

for (const name of readdirSync(join(fixtures, "refuse")).filter((one) => one.endsWith(".lif"))) {
  test(`refuses ${name} in one line`, async () => {
    const { line } = await refusalOf(readFileSync(join(fixtures, "refuse", name)));
    assert.match(line, /^: \S.+/);
    assert.ok(!line.includes("\n"));
  });
}

test("a LIF without an image is refused as that", async () => {
  const { line } = await refusalOf(readFileSync(join(fixtures, "made-no-images.lif")));
  assert.match(line, /the LIF holds no image/);
});

test("a file cut at every tenth of its length is refused as cut or still being saved, and may be tried again", async () => {
  for (const name of made) {
    const whole = readFileSync(join(fixtures, name));
    for (let tenth = 1; tenth < 10; tenth += 1) {
      const { error, line } = await refusalOf(whole.subarray(0, Math.floor((tenth * whole.length) / 10)));
      // When it is opened: no plane has to be read for it.
      assert.match(error.code, /^lif-/, line);
      assert.ok(error.retryable && error.kind === "format", `${name} at ${tenth}0 %: ${line}`);
    }
  }
});

test("cut anywhere, each image is refused until its samples are there, and then is what it is in the whole file", async () => {
  const whole = buildLif([plainStack("a", { x: 5, y: 4, z: 3 }), plainStack("b", { x: 3, y: 3, z: 2 }, 7)]);
  const truth = await imagesOf(fileOf(whole));
  const file = fileOf(whole);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: whole.length - 1 }), async (length) => {
      writeFileSync(file, whole.subarray(0, length));
      const images = await imagesOf(file).catch((error: unknown) => [error]);
      for (const [i, image] of images.entries()) {
        if (isEdgeError(image)) assert.ok(image.retryable, describeError(image));
        else assert.deepEqual((image as ReadImage).planes, (truth[i] as ReadImage).planes);
      }
      assert.ok(images.some((image) => isEdgeError(image)));
    }),
    { numRuns: 200 },
  );
});

test("a file whose space is reserved and not yet written is refused until it is", async () => {
  const whole = buildLif([plainStack("a", { x: 5, y: 4, z: 3 }), plainStack("b", { x: 3, y: 3, z: 2 })]);
  const first = whole.length - 18 - 42;
  const reserved = Buffer.from(whole);
  reserved.fill(0, first);
  const { line, error } = await refusalOf(reserved);
  assert.match(line, /still being saved.*zeros from there/);
  assert.ok(error.retryable);
});

const axisIds = { x: 1, y: 2, z: 3, t: 4 } as const;

test("samples are found by their strides, whatever the order of dimensions and however rows are padded", async () => {
  const length = fc.integer({ min: 2, max: 4 });
  const layouts = fc.record({
    sizes: fc.record({ x: length, y: length, z: length, t: length, c: length }),
    // Y before Z: otherwise it is an XZ scan.
    order: fc
      .shuffledSubarray(["x", "y", "z", "t", "c"] as const, { minLength: 5 })
      .filter((order) => order.indexOf("y") < order.indexOf("z")),
    padding: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 5, maxLength: 5 }),
    wide: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(layouts, async ({ sizes, order, padding, wide }) => {
      const bytes = wide ? 2 : 1;
      const strides: Record<string, number> = {};
      let stride = bytes;
      for (const [i, axis] of order.entries()) {
        strides[axis] = stride;
        stride *= sizes[axis];
        stride += bytes * (padding[i] ?? 0);
      }
      const samples = Buffer.alloc(stride, 0xee);
      const valueAt = (t: number, c: number, z: number, y: number, x: number): number =>
        (((t * 4 + c) * 4 + z) * 4 + y) * 4 + x;
      const wanted: number[][] = [];
      for (const { t, c, z } of planesIn(sizes)) {
        const plane: number[] = [];
        for (let y = 0; y < sizes.y; y += 1) {
          for (let x = 0; x < sizes.x; x += 1) {
            const at = Object.entries({ t, c, z, y, x }).reduce(
              (sum, [axis, i]) => sum + i * (strides[axis] ?? 0),
              0,
            );
            const value = wide ? valueAt(t, c, z, y, x) : valueAt(t, c, z, y, x) % 256;
            if (wide) samples.writeUInt16LE(value, at);
            else samples[at] = value;
            plane.push(value);
          }
        }
        wanted.push(plane);
      }
      const image = await readImage({
        name: "a",
        dimensions: (["x", "y", "z", "t"] as const).map((axis) => ({
          id: axisIds[axis],
          count: sizes[axis],
          bytesInc: strides[axis] ?? 0,
        })),
        channels: Array.from({ length: sizes.c }, (_, c) => ({
          bits: 8 * bytes,
          bytesInc: c * (strides["c"] ?? 0),
        })),
        samples,
      });
      assert.deepEqual(image.planes, wanted);
      assert.equal(
        image.axes,
        `${[...order]
          .reverse()
          .filter((axis) => axis !== "x" && axis !== "y")
          .join("")
          .toUpperCase()}YX`,
      );
    }),
    { numRuns: 100 },
  );
});

test("planes between whose samples more than a megabyte lies are read in pieces", async () => {
  const stride = 1_200_000;
  const samples = Buffer.alloc(2 * stride + 8);
  for (let x = 0; x < 3; x += 1) for (let y = 0; y < 2; y += 1) samples[x * stride + 4 * y] = 10 * x + y + 1;
  const image = await readImage({
    name: "a",
    dimensions: [
      { id: 1, count: 3, bytesInc: stride },
      { id: 2, count: 2, bytesInc: 4 },
    ],
    channels: [{ bits: 8, bytesInc: 0 }],
    samples,
  });
  assert.deepEqual(image.planes, [[1, 11, 21, 2, 12, 22]]);
});

test("red, green and blue of a colour image are read as channels in this order, whichever is stored first", async () => {
  const lut = ["Blue", "Green", "Red"];
  const image = await readImage({
    name: "rgb",
    dimensions: [
      { id: 1, count: 2, bytesInc: 3 },
      { id: 2, count: 2, bytesInc: 8 },
    ],
    channels: [3, 2, 1].map((tag, i) => ({ bits: 8, bytesInc: i, tag, lut: lut[i] ?? "" })),
    samples: Buffer.from([1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0]),
  });
  assert.deepEqual(image.planes, [
    [3, 6, 9, 12],
    [2, 5, 8, 11],
    [1, 4, 7, 10],
  ]);
  assert.deepEqual(
    image.channels.map(({ name }) => name),
    ["Red", "Green", "Blue"],
  );
  assert.deepEqual(image.notes, ["a colour image: its red, green and blue are read as channels"]);
});

test("a container of version 1 is read, and 12 bits in 16 are told as significant", async () => {
  const image = await readImage(
    {
      name: "twelve",
      dimensions: [
        { id: 1, count: 2, bytesInc: 2 },
        { id: 2, count: 2, bytesInc: 4 },
      ],
      channels: [{ bits: 12, bytesInc: 0, dye: "Alexa 488" }],
      samples: Buffer.from([0xff, 0x0f, 1, 0, 2, 0, 3, 0]),
    },
    1,
  );
  assert.deepEqual(image.planes, [[4095, 1, 2, 3]]);
  assert.deepEqual([image.sampleType, image.significantBits], ["uint16", 12]);
  assert.deepEqual(image.channels, [{ name: "Alexa 488" }]);
});

test("four channels that lie outermost are four channels", async () => {
  const plane = 6;
  const image = await readImage({
    ...plainStack("four", { x: 3, y: 2, z: 2 }),
    channels: [0, 1, 2, 3].map((c) => ({ bits: 8, bytesInc: 2 * plane * c })),
    samples: Buffer.from(Array.from({ length: 48 }, (_, i) => i)),
  });
  assert.deepEqual([image.axes, image.shape], ["CZYX", [4, 2, 2, 3]]);
  assert.deepEqual(
    image.planes.flat(),
    Array.from({ length: 48 }, (_, i) => i),
  );
});

test("an image is named by the elements around it, and two of one name are two images", async () => {
  const sizes = { x: 3, y: 2, z: 2 };
  const inner = plainStack("Series001", sizes, 5);
  const images = await readImages([
    { name: "Region &amp; more", children: [inner] },
    { ...plainStack("Series001", sizes, 6), children: [plainStack("Processed", sizes, 7)] },
    plainStack("Series001", sizes, 8),
  ]);
  assert.deepEqual(
    images.map(({ name, series, seriesCount, planes }) => [name, series, seriesCount, planes[0]?.[0]]),
    [
      ["Region & more/Series001", 0, 4, 5],
      ["Series001", 1, 4, 6],
      ["Series001/Processed", 2, 4, 7],
      ["Series001", 3, 4, 8],
    ],
  );
});

const tiles = [
  { FieldX: 0, FieldY: 0, PosX: 0.0123456, PosY: 0.02 },
  { FieldX: 1, FieldY: 0, PosX: 0.0125, PosY: 0.02 },
];
const tileXml = tiles.map(
  (tile) =>
    `<Tile ${Object.entries(tile)
      .map(([key, value]) => `${key}="${value}"`)
      .join(" ")} PosZ="1.5E-6"/>`,
);

test("each tile of a mosaic is an image of its own, with its number and its place on the stage", async () => {
  const images = await readImages([
    {
      name: "Mosaic",
      dimensions: [
        { id: 1, count: 2, bytesInc: 1 },
        { id: 2, count: 2, bytesInc: 2 },
        { id: 3, count: 2, bytesInc: 4 },
        { id: 10, count: 2, bytesInc: 8 },
      ],
      channels: [{ bits: 8, bytesInc: 0 }],
      samples: Buffer.from(Array.from({ length: 16 }, (_, i) => i)),
      attachments: `<Attachment Name="TileScanInfo" FlipX="1" FlipY="0" SwapXY="0">${tileXml.join("")}</Attachment>`,
    },
  ]);
  assert.deepEqual(
    images.map(({ name, axes, planes, notes }) => [name, axes, planes.flat(), notes]),
    [
      ["Mosaic tile 1", "ZYX", [0, 1, 2, 3, 4, 5, 6, 7], ["tile 1 of 2 of a mosaic"]],
      ["Mosaic tile 2", "ZYX", [8, 9, 10, 11, 12, 13, 14, 15], ["tile 2 of 2 of a mosaic"]],
    ],
  );
  const { original } = images[0] ?? assert.fail("no tile");
  const xml = original.kind === "ome-xml" ? original.xml : "";
  assert.match(
    xml,
    /<Plane TheZ="0" TheT="0" TheC="0" PositionX="12345.6" PositionXUnit="µm" PositionY="20000" PositionYUnit="µm" PositionZ="1.5"/,
  );
  assert.match(xml, /<M K="TileScanInfo FlipX">1<\/M>.*<M K="Tile FieldX">0<\/M>/);
});

test("a mosaic whose positions do not fit its tiles is read, and says that their places are not known", async () => {
  const [tile] = await readImages([
    {
      name: "Mosaic",
      dimensions: [
        { id: 1, count: 2, bytesInc: 1 },
        { id: 2, count: 2, bytesInc: 2 },
        { id: 10, count: 3, bytesInc: 4 },
      ],
      channels: [{ bits: 8, bytesInc: 0 }],
      samples: Buffer.alloc(12),
      attachments: `<Attachment Name="TileScanInfo">${tileXml.join("")}</Attachment>`,
    },
  ]);
  assert.deepEqual(tile?.notes, ["tile 1 of 3 of a mosaic; the LIF does not state where each tile lies"]);
  assert.doesNotMatch(JSON.stringify(tile?.original), /Position/);
});

test("time stamps are told in both of Leica's spellings", async () => {
  const spelt = [
    "1d71114eb8b44f0 1d71114ebdc2410 ",
    ["30871828 3951772912", "30871828 3957072912"]
      .map((pair) => pair.split(" "))
      .map(([high, low]) => `<TimeStamp HighInteger="${high}" LowInteger="${low}"/>`)
      .join(""),
  ];
  for (const stamps of spelt) {
    const { original } = await readImage({
      ...plainStack("a", { x: 2, y: 2, z: 2 }),
      attachments: `<TimeStampList NumberOfTimeStamps="2">${stamps}</TimeStampList>`,
    });
    const xml = original.kind === "ome-xml" ? original.xml : "";
    assert.match(xml, /<AcquisitionDate>2021-03-04T\d\d:\d\d:\d\d\.\d{3}</);
    assert.match(xml, /<M K="TimeStamps in s from the first">0 0.53</);
  }
});

const refused: readonly (readonly [what: string, image: Partial<ImageSpec>, says: RegExp])[] = [
  [
    "a dimension λ",
    {
      dimensions: [
        { id: 1, count: 2, bytesInc: 1 },
        { id: 5, count: 6, bytesInc: 2 },
      ],
    },
    /dimension of this kind is not read \(image "bad"; found λ \(emission wavelength\): 6 elements/,
  ],
  ["no X", { dimensions: [{ id: 2, count: 2, bytesInc: 1 }] }, /without an axis X/],
  [
    "a dimension twice",
    { dimensions: [1, 2, 2].map((id, i) => ({ id, count: 2, bytesInc: 2 ** i })) },
    /twice/,
  ],
  [
    "overlapping strides",
    { dimensions: [1, 2].map((id) => ({ id, count: 3, bytesInc: 2 })) },
    /strides overlap/,
  ],
  [
    "64 bit integers",
    { channels: [{ bits: 64, bytesInc: 0 }] },
    /samples of this type.*DataType 0, Resolution 64/,
  ],
  ["half floats", { channels: [{ bits: 16, float: true, bytesInc: 0 }] }, /samples of this type.*DataType 1/],
  [
    "channels of two types",
    {
      channels: [
        { bits: 8, bytesInc: 0 },
        { bits: 16, bytesInc: 12 },
      ],
    },
    /several sample types/,
  ],
  ["no channel", { channels: [] }, /no channel/],
  [
    "channels at odd distances",
    { channels: [0, 12, 30].map((bytesInc) => ({ bits: 8, bytesInc })) },
    /equal distances.*bytes 0, 12, 30/,
  ],
  ["a missing block", { withoutBlock: true }, /not yet, in the LIF.*no memory block "MemBlock_1"/],
  [
    "thousands of dimensions",
    { dimensions: Array.from({ length: 5000 }, (_, id) => ({ id: 20 + id, count: 2, bytesInc: 1 })) },
    /so many dimensions are not read.*found 5000\)/,
  ],
  ["a block that is too short", { samples: Buffer.alloc(11) }, /"MemBlock_1" of 11 bytes; expected 12 bytes/],
  [
    "a block that is shorter than is stated",
    { statedBytes: 1e12 },
    /of 12 bytes; expected 1000000000000 bytes/,
  ],
  ["no samples at all", { samples: Buffer.alloc(0) }, /the image has no samples/],
  [
    "planes of 2^40 bytes",
    {
      dimensions: [
        { id: 1, count: 2 ** 20, bytesInc: 1 },
        { id: 2, count: 2 ** 20, bytesInc: 2 ** 20 },
      ],
    },
    /larger than is allowed/,
  ],
  [
    "10^12 planes",
    {
      dimensions: [
        { id: 1, count: 1, bytesInc: 1 },
        { id: 4, count: 1e12, bytesInc: 1 },
      ],
    },
    /larger than/,
  ],
];

for (const [what, change, says] of refused) {
  test(`an image with ${what} is refused by name, and the others are read`, async () => {
    const bad = { ...plainStack("bad", { x: 2, y: 3, z: 2 }), ...change };
    const [refusal, good] = await imagesOf(fileOf(buildLif([bad, plainStack("good", { x: 2, y: 2, z: 2 })])));
    if (!isEdgeError(refusal)) assert.fail("it is read");
    assert.match(describeError(refusal), says);
    assert.ok(good !== undefined && !isEdgeError(good));
  });
}

test("long XML is read in steps, so that a slow file is told from a hanging one, and ends when it is told to", async () => {
  const filler = `<Attachment Name="a">${"😀".repeat(1_200_000)}</Attachment>`;
  const file = fileOf(buildLif([{ ...plainStack("long", { x: 2, y: 2, z: 2 }), attachments: filler }]));
  let steps = 0;
  const onStep = (): void => {
    steps += 1;
  };
  const opened = await openFile(file, { onStep });
  await opened.close();
  assert.ok(steps > 4, `${steps} steps`);
  assert.ok(opened.series.every((one) => "acquisition" in one));
  await assert.rejects(openFile(file, { signal: AbortSignal.abort(new Error("ended")) }), /ended/);
});

const sound = "<Element Name='a'><Data/></Element>";
const hostile: readonly (readonly [what: string, bytes: Uint8Array, says: RegExp])[] = [
  ["XML that is not well-formed", xmlPart("<LMSDataContainerHeader Version='2'>"), /not well-formed/],
  ["a document type", xmlPart("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"), /document type/],
  [
    "another version",
    xmlPart(`<LMSDataContainerHeader Version='3'>${sound}</LMSDataContainerHeader>`),
    /version 3/,
  ],
  ["a .lifext", xmlPart("<LMSDataContainerEnhancedHeader Version='2'/>"), /LMSDataContainerEnhancedHeader/],
  [
    "deep nesting",
    xmlPart(`<LMSDataContainerHeader Version='2'>${"<Element>".repeat(600)}`),
    /nested too deeply/,
  ],
  ["a lone surrogate", xmlPart("<LMSDataContainerHeader Version='2'/>\ud800"), /not UTF-16/],
  ["bytes that are no block", Buffer.concat([buildLif([]), Buffer.alloc(40, 1)]), /no block at byte/],
  [
    "two blocks of one name",
    (() => {
      const whole = buildLif([plainStack("a", { x: 2, y: 2, z: 2 })]);
      return Buffer.concat([whole, whole.subarray(whole.length - 50)]);
    })(),
    /two blocks named "MemBlock_1"/,
  ],
];

for (const [what, bytes, says] of hostile) {
  test(`a LIF with ${what} is refused in one line`, async () => {
    const { line } = await refusalOf(bytes);
    assert.match(line, says);
    assert.ok(!line.includes("\n"));
  });
}
