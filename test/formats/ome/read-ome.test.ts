import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import type { Acquisition } from "../../../core/acquisition.ts";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { openAcquisition, openFile } from "../../../formats/open.ts";
import { planesIn } from "../../../formats/plane/plane-source.ts";
import { buildTiff, numberedPages } from "../build-tiff.ts";
import { describedFile } from "../described-file.ts";

const scratch = mkdtempSync(join(tmpdir(), "ome-"));
after(() => rmSync(scratch, { recursive: true }));

interface Pixels {
  readonly order?: string;
  readonly t?: number;
  readonly c?: number;
  readonly z?: number;
  readonly attributes?: string;
  readonly content?: string;
}

function image({
  order = "XYZCT",
  t = 1,
  c = 1,
  z = 1,
  attributes = "",
  content = "<TiffData/>",
}: Pixels): string {
  const sizes = `SizeX="4" SizeY="3" SizeZ="${z}" SizeC="${c}" SizeT="${t}"`;
  return `<Image ID="Image:0" Name="embryo"><Pixels ID="Pixels:0" DimensionOrder="${order}" Type="uint16" ${sizes} ${attributes}>${content}</Pixels></Image>`;
}

function ome(content: string, uuid?: string): string {
  const own = uuid === undefined ? "" : ` UUID="${uuid}"`;
  return `<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"${own}>${content}</OME>`;
}

/** `pages` pages of 4 x 3 uint16, numbered from `first`, with `xml` on the first one. */
function tiffWith(xml: string, pages: number, first = 0): Buffer {
  return buildTiff(
    numberedPages(pages, 4, 3, first).map((page, i) => (i === 0 ? { ...page, description: xml } : page)),
  );
}

let files = 0;
function fileOf(bytes: Uint8Array | string, name?: string): string {
  files += 1;
  const file = join(scratch, name ?? `${files}.ome.tif`);
  writeFileSync(file, bytes);
  return file;
}

async function firstSamples(file: string, series = 0): Promise<number[]> {
  const source = await openAcquisition(file, { series });
  try {
    const values: number[] = [];
    for (const index of planesIn(source.acquisition.sizes)) {
      values.push((await source.readPlane(index))[0] ?? Number.NaN);
    }
    return values;
  } finally {
    await source.close();
  }
}

async function described(file: string): Promise<Acquisition> {
  const [series] = await describedFile(file);
  assert.ok(series !== undefined && !isEdgeError(series));
  return series;
}

async function refusalOf(file: string): Promise<string> {
  try {
    await (await openAcquisition(file)).close();
  } catch (error) {
    assert.ok(isEdgeError(error), String(error));
    return describeError(error);
  }
  return "read";
}

test("every DimensionOrder puts each plane where it belongs", async () => {
  const sizes = { T: 2, C: 3, Z: 4 };
  for (const order of ["XYZCT", "XYZTC", "XYCZT", "XYCTZ", "XYTCZ", "XYTZC"]) {
    const file = fileOf(tiffWith(ome(image({ order, t: 2, c: 3, z: 4 })), 24));
    const [a, b] = [...order.slice(2)] as ("T" | "C" | "Z")[];
    const expected: number[] = [];
    for (let t = 0; t < 2; t += 1) {
      for (let c = 0; c < 3; c += 1) {
        for (let z = 0; z < 4; z += 1) {
          const at = { T: t, C: c, Z: z };
          const [first, second, third] = [...order.slice(2)] as ("T" | "C" | "Z")[];
          assert.ok(first && second && third && a && b);
          expected.push(at[first] + sizes[a] * (at[second] + sizes[b] * at[third]));
        }
      }
    }
    assert.deepEqual(await firstSamples(file), expected, order);
    assert.equal((await described(file)).axes, `${[...order].reverse().join("")}`);
  }
});

test("TiffData blocks with first planes, counts and gaps in the pages are followed", async () => {
  const content =
    '<TiffData IFD="3" FirstZ="0" PlaneCount="2"/><TiffData IFD="1" FirstZ="2"/><TiffData IFD="0" FirstZ="3" PlaneCount="1"/>';
  assert.deepEqual(await firstSamples(fileOf(tiffWith(ome(image({ z: 4, content })), 5))), [3, 4, 1, 0]);
  const reversed = [0, 1, 2].map((z) => `<TiffData IFD="${2 - z}" FirstZ="${z}"/>`).join("");
  assert.deepEqual(
    await firstSamples(fileOf(tiffWith(ome(image({ z: 3, content: reversed })), 3))),
    [2, 1, 0],
  );
});

test("without TiffData the pages are taken in order, and a note says so", async () => {
  const file = fileOf(tiffWith(ome(image({ z: 3, content: "" })), 3));
  assert.deepEqual(await firstSamples(file), [0, 1, 2]);
  assert.match((await described(file)).notes.join(), /no TiffData/);
});

test("planes that the XML claims and the file has not are never made up", async () => {
  const content = '<TiffData IFD="0" PlaneCount="5"/>';
  assert.match(await refusalOf(fileOf(tiffWith(ome(image({ z: 5, content })), 4))), /found 4 of 5 planes/);
});

test("a document that maps its planes over and over is refused before it costs time", async () => {
  const content = '<TiffData IFD="0" PlaneCount="4"/>'.repeat(6);
  assert.match(
    await refusalOf(fileOf(tiffWith(ome(image({ z: 4, content })), 4))),
    /maps its planes too often/,
  );
  const images = image({ z: 3_000_000 }) + image({ z: 3_000_000 });
  assert.match(
    await refusalOf(fileOf(tiffWith(ome(images), 1))),
    /more planes than are allowed \(found 6000000/,
  );
});

test("sizes, names, units, time and bits come from the XML", async () => {
  const attributes =
    'PhysicalSizeX="65" PhysicalSizeXUnit="nm" PhysicalSizeY="0.065" PhysicalSizeZ="0.3" PhysicalSizeZUnit="Î¼m" TimeIncrement="250" TimeIncrementUnit="ms" SignificantBits="12"';
  const content = '<Channel ID="Channel:0" Name="α &lt;GFP&gt;"/><Channel ID="Channel:1"/><TiffData/>';
  const series = await described(fileOf(tiffWith(ome(image({ c: 2, attributes, content })), 2)));
  assert.deepEqual(series.pixelSize, {
    x: { value: 65, unit: "nm", um: 0.065 },
    y: { value: 0.065, unit: "µm", um: 0.065 },
    z: { value: 0.3, unit: "µm", um: 0.3 },
  });
  assert.deepEqual(series.timeIncrement, { value: 250, unit: "ms", s: 0.25 });
  assert.deepEqual(series.channels, [{ name: "α <GFP>" }, {}]);
  assert.equal(series.significantBits, 12);
  assert.equal(series.name, "embryo");
});

test("prefixed elements, comments and older schemas are read; sizes of nought are none", async () => {
  const inner = image({ attributes: 'PhysicalSizeX="0" PhysicalSizeY="NaN"' })
    .replaceAll("</", "</o:")
    .replaceAll(/<(?=[A-Z])/g, "<o:");
  const xml = `<?xml version="1.0"?><!-- Warning: this comment --><o:OME xmlns:o="http://www.openmicroscopy.org/XMLschemas/OME/FC/ome.xsd">${inner}</o:OME>`;
  const series = await described(fileOf(tiffWith(xml, 1)));
  assert.equal(series.make, "OME-TIFF");
  assert.deepEqual(series.pixelSize, {});
});

const damaged: readonly (readonly [string, string, RegExp])[] = [
  ["a document type", ome(image({})).replace("?>", "?><!DOCTYPE OME [<!ENTITY a 'b'>]>"), /document type/],
  ["an undefined entity", ome(image({ attributes: 'Note="&a;"' })), /not well-formed/],
  ["XML that is cut", ome(image({})).slice(0, -20), /not well-formed/],
  ["an impossible DimensionOrder", ome(image({ order: "XYZZT" })), /DimensionOrder/],
  ["a size of nought", ome(image({ z: 0 })), /lack SizeZ/],
  [
    "a size that is no count",
    ome(image({})).replace('SizeZ="1"', 'SizeZ="1e99"'),
    /SizeZ of the OME-XML is not a count/,
  ],
  ["a negative page", ome(image({ content: '<TiffData IFD="-1"/>' })), /IFD of the OME-XML is not a count/],
  ["more planes than any file", ome(image({ z: 99_999_999 })), /more planes than are allowed/],
  [
    "other widths than the pages",
    ome(image({})).replace('SizeX="4"', 'SizeX="40"'),
    /do not agree on the size/,
  ],
  [
    "an axis that is split further",
    ome(`${image({})}<StructuredAnnotations><ModuloAlongT Type="lifetime"/></StructuredAnnotations>`),
    /ModuloAlongT \(lifetime\)/,
  ],
  ["no image", ome(""), /describes no image/],
];

for (const [what, xml, says] of damaged) {
  test(`refuses OME-XML with ${what}`, async () => {
    assert.match(await refusalOf(fileOf(tiffWith(xml, 1))), says);
  });
}

/** Two files of one time point each; both carry the whole XML. */
function writeSet(folder: string, named = (t: number) => `t${t}.ome.tif`): string {
  const dir = join(scratch, folder);
  mkdirSync(dir);
  const blocks = [0, 1].map(
    (t) =>
      `<TiffData IFD="0" FirstT="${t}" PlaneCount="2"><UUID FileName="${named(t)}">urn:uuid:${t}</UUID></TiffData>`,
  );
  for (const t of [0, 1]) {
    const xml = ome(image({ t: 2, z: 2, content: blocks.join("") }), `urn:uuid:${t}`);
    writeFileSync(join(dir, `t${t}.ome.tif`), tiffWith(xml, 2, t * 10));
  }
  return dir;
}

test("a set is read whole from any of its files, and names them", async () => {
  const dir = writeSet("set");
  for (const name of ["t0.ome.tif", "t1.ome.tif"]) {
    assert.deepEqual(await firstSamples(join(dir, name)), [0, 1, 10, 11]);
  }
  const { members } = await described(join(dir, "t0.ome.tif"));
  assert.deepEqual(members, [join(dir, "t0.ome.tif"), join(dir, "t1.ome.tif")]);
});

test("a set with more files than are held open at once is read", async () => {
  const dir = join(scratch, "many");
  mkdirSync(dir);
  const blocks = Array.from(
    { length: 40 },
    (_, t) => `<TiffData IFD="0" FirstT="${t}"><UUID FileName="${t}.tif">urn:uuid:${t}</UUID></TiffData>`,
  ).join("");
  for (let t = 0; t < 40; t += 1) {
    const xml = t === 0 ? ome(image({ t: 40, content: blocks }), "urn:uuid:0") : ome("", `urn:uuid:${t}`);
    writeFileSync(join(dir, `${t}.tif`), tiffWith(xml, 1, t));
  }
  const source = await openAcquisition(join(dir, "0.tif"));
  const planes = await Promise.all(Array.from({ length: 40 }, (_, t) => source.readPlane({ t, c: 0, z: 0 })));
  assert.deepEqual(
    planes.map((plane) => plane[0]),
    Array.from({ length: 40 }, (_, t) => t),
  );
  await source.close();
});

test("a file renamed on its own knows itself by its UUID", async () => {
  const dir = writeSet("renamed");
  renameSync(join(dir, "t0.ome.tif"), join(dir, "first.tif"));
  assert.deepEqual(await firstSamples(join(dir, "first.tif")), [0, 1, 10, 11]);
  assert.match(await refusalOf(join(dir, "t1.ome.tif")), /set is incomplete.*no "t0.ome.tif" beside it/);
});

test("a member that was replaced by another file is refused", async () => {
  const dir = writeSet("foreign");
  writeFileSync(join(dir, "t1.ome.tif"), tiffWith(ome("", "urn:uuid:99"), 2));
  assert.match(await refusalOf(join(dir, "t0.ome.tif")), /not the one that the OME-XML means.*urn:uuid:99/);
});

test("a member that is still being copied makes the set wait", async () => {
  const dir = writeSet("half");
  writeFileSync(join(dir, "t1.ome.tif"), tiffWith(ome("", "urn:uuid:1"), 2).subarray(0, 300));
  const error = await openAcquisition(join(dir, "t0.ome.tif")).catch((caught: unknown) => caught);
  assert.ok(isEdgeError(error) && error.retryable);
});

test("no name leads out of the folder", async () => {
  for (const [i, name] of ["../t.tif", "/etc/passwd", "a/b.tif", "..", "c:\\t.tif"].entries()) {
    const dir = writeSet(`outside${i}`, (t) => (t === 1 ? name : "t0.ome.tif"));
    assert.match(await refusalOf(join(dir, "t0.ome.tif")), /outside its own folder/);
  }
});

test("a companion file opens the set; one of its files alone is its own pages", async () => {
  const dir = join(scratch, "companion");
  mkdirSync(dir);
  const block = '<TiffData IFD="0" PlaneCount="2"><UUID FileName="a.tif">urn:uuid:a</UUID></TiffData>';
  writeFileSync(join(dir, "s.companion.ome"), ome(image({ z: 2, content: block })));
  const stub = ome('<BinaryOnly MetadataFile="s.companion.ome" UUID="urn:uuid:s"/>', "urn:uuid:a");
  writeFileSync(join(dir, "a.tif"), tiffWith(stub, 2, 7));
  assert.deepEqual(await firstSamples(join(dir, "s.companion.ome")), [7, 8]);
  const alone = await described(join(dir, "a.tif"));
  assert.equal(alone.axes, "IYX");
  assert.match(alone.notes.join(), /one file of a set that "s.companion.ome" describes/);
  assert.equal((await described(join(dir, "s.companion.ome"))).axes, "ZYX");
});

test("the file that stands for a set is the first by name that describes all of it, whichever file is opened", async () => {
  const standing = async (dir: string, name: string): Promise<string[]> => {
    const opened = await openFile(join(dir, name));
    await opened.close();
    return opened.files.map((file) => relative(dir, file));
  };
  const each = writeSet("standing-each");
  for (const name of ["t0.ome.tif", "t1.ome.tif"]) {
    assert.deepEqual(await standing(each, name), ["t0.ome.tif", "t1.ome.tif"]);
  }
  const others = {
    "plain pages": buildTiff(numberedPages(2)),
    "a description of itself alone": tiffWith(ome(image({ z: 2 }), "urn:uuid:0"), 2),
    "a damaged description": tiffWith(`${ome("<Image/>", "urn:uuid:0").slice(0, -2)} <`, 2),
    "a reference to the other": tiffWith(
      ome('<BinaryOnly MetadataFile="t1.ome.tif" UUID="urn:uuid:1"/>', "urn:uuid:0"),
      2,
    ),
  };
  for (const [what, bytes] of Object.entries(others)) {
    const dir = writeSet(`standing-${what}`);
    writeFileSync(join(dir, "t0.ome.tif"), bytes);
    assert.deepEqual(await standing(dir, "t1.ome.tif"), ["t1.ome.tif", "t0.ome.tif"], what);
  }
});
