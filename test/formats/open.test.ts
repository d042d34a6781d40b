import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { describeError, isEdgeError } from "../../core/errors.ts";
import { openAcquisition } from "../../formats/open.ts";
import { planesIn } from "../../formats/plane/plane-source.ts";
import { buildTiff, numberedPages, type PageSpec } from "./build-tiff.ts";
import { describedFile } from "./described-file.ts";

const scratch = mkdtempSync(join(tmpdir(), "open-"));
after(() => rmSync(scratch, { recursive: true }));

function fileOf(name: string, bytes: Uint8Array | string): string {
  const file = join(scratch, name);
  writeFileSync(file, bytes);
  return file;
}

async function refusalOf(file: string, series = 0): Promise<string> {
  try {
    await (await openAcquisition(file, { series })).close();
  } catch (error) {
    assert.ok(isEdgeError(error), String(error));
    return describeError(error).replaceAll(scratch, "");
  }
  return "read";
}

/** The first sample of each plane, in T, C, Z order. */
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

function described(pages: readonly PageSpec[], description: string): Buffer {
  return buildTiff(pages.map((page, i) => (i === 0 ? { ...page, description } : page)));
}

const [onePage] = numberedPages(1);
assert.ok(onePage !== undefined);

const refusals: readonly (readonly [name: string, bytes: Uint8Array | string, says: RegExp])[] = [
  ["empty.tif", "", /the file is empty/],
  ["zeros.tif", Buffer.alloc(20_000), /starts with zeros only.*not yet written/],
  ["text.tif", "Dear microscope,\n", /this is text, not an image/],
  ["noise.tif", Buffer.from([1, 2, 3, 4, 0xff, 0]), /not an image format that cnnt-edge knows/],
  [
    "a.lof",
    Buffer.from(`p\0\0\0\x23\0\0\0*\x0f\0\0\0${[..."LMS_Object_File"].join("\0")}\0`, "latin1"),
    /Leica LOF.*LAS X/,
  ],
  ["a.lif", Buffer.from([0x70, 0, 0, 0, 9, 9, 9, 9, 0x2a]), /the LIF is cut, or still being saved.*Wait/],
  ["a.czi", Buffer.from("ZISRAWFILE\0\0\0"), /Zeiss CZI.*ZEN/],
  ["a.nd2", Buffer.from([0xda, 0xce, 0xbe, 0x0a, 0, 0]), /Nikon ND2.*NIS-Elements/],
  ["a.oir", Buffer.from("OLYMPUSRAWFORMAT\0"), /Olympus OIR/],
  ["a.ims", Buffer.from("\x89HDF\r\n\x1a\n\0", "latin1"), /HDF5 file \(Imaris/],
  ["cut-header.tif", Buffer.from([0x49, 0x49, 42, 0, 8]), /ends inside the TIFF header/],
  [
    "big-offsets.tif",
    Buffer.from([0x4d, 0x4d, 0, 43, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16]),
    /offsets of 8 bytes/,
  ],
  ["lsm.tif", buildTiff([{ ...onePage, fields: { 34412: [1] } }]), /Zeiss LSM files are not read.*ZEN/],
  ["rgb.tif", buildTiff([{ ...onePage, fields: { 262: [2], 277: [3] } }]), /colour image.*RGB/],
  [
    "two-samples.tif",
    buildTiff([{ ...onePage, fields: { 277: [2] } }]),
    /several samples per pixel.*2 samples/,
  ],
  ["palette.tif", buildTiff([{ ...onePage, fields: { 262: [3] } }]), /palette image/],
  ["fill-order.tif", buildTiff([{ ...onePage, fields: { 266: [2] } }]), /FillOrder 2/],
  ["volumetric.tif", buildTiff([{ ...onePage, fields: { 32997: [4] } }]), /ImageDepth/],
  ["half.tif", buildTiff([{ ...onePage, sampleFormat: 3 }]), /found float16/],
  ["complex.tif", buildTiff([{ ...onePage, bitsPerSample: 64, sampleFormat: 6 }]), /found complex float 64/],
  ["jpeg.tif", buildTiff([{ ...onePage, fields: { 259: [7] } }]), /compression is not read \(found JPEG/],
  ["predicted.tif", buildTiff([{ ...onePage, fields: { 317: [2] } }]), /predictor with compression none/],
  [
    "float-predictor.tif",
    buildTiff([{ ...onePage, deflate: true, fields: { 317: [3] } }]),
    /predictor 3 on uint16/,
  ],
  ["no-tile-size.tif", buildTiff([{ ...onePage, fields: { 322: [0], 323: [16] } }]), /tiles have no size/],
  ["sparse.tif", buildTiff([{ ...onePage, fields: { 273: [0] } }]), /without data/],
  [
    "short-strip.tif",
    buildTiff([{ ...onePage, fields: { 279: [23] } }]),
    /too few samples \(.*23 bytes.*24 bytes/,
  ],
  [
    "huge-tile.tif",
    buildTiff([{ ...onePage, fields: { 322: [1 << 20], 323: [1 << 20] } }]),
    /too many strips or tiles, or too large ones/,
  ],
];

for (const [name, bytes, says] of refusals) {
  test(`refuses ${name} in one line that says why`, async () => {
    const line = await refusalOf(fileOf(name, bytes));
    assert.match(line, says);
    assert.ok(!line.includes("\n"));
  });
}

test("refuses a folder, a missing file and a named pipe, each by name", async () => {
  assert.match(await refusalOf(scratch), /this is a folder, not a file/);
  assert.match(await refusalOf(join(scratch, "none.tif")), /there is no such file/);
  const pipe = join(scratch, "pipe");
  execFileSync("mkfifo", [pipe]);
  assert.match(await refusalOf(pipe), /a device or a pipe/);
});

test("opens by content, whatever the name", async () => {
  for (const name of ["a.png", "name with blank #1 100% [x].tif", "µ–🔬.tif", "-n.tif"]) {
    assert.deepEqual(await firstSamples(fileOf(name, buildTiff(numberedPages(2)))), [0, 1]);
  }
});

test("refuses a series that is not there, and describes those that are", async () => {
  const wide = numberedPages(2, 5, 3, 10);
  const file = fileOf("kinds.tif", buildTiff([...numberedPages(2), ...wide]));
  assert.match(await refusalOf(file, 2), /no such series \(found 2; expected 0 to 1\)/);
  assert.deepEqual(await firstSamples(file, 1), [10, 11]);
  const all = await describedFile(file);
  assert.deepEqual(
    all.map((series) => (isEdgeError(series) ? "refused" : series.shape)),
    [
      [2, 3, 4],
      [2, 3, 5],
    ],
  );
});

test("a colour page beside scalar ones is refused alone", async () => {
  const colour = { ...onePage, fields: { 262: [2], 277: [3] } };
  const file = fileOf("label.tif", buildTiff([...numberedPages(2), colour]));
  const [stack, label] = await describedFile(file);
  assert.ok(stack !== undefined && !isEdgeError(stack) && isEdgeError(label));
  assert.deepEqual(await firstSamples(file), [0, 1]);
});

test("a thumbnail is no series", async () => {
  const [small] = numberedPages(1, 2, 2);
  const thumbnail = { ...(small as PageSpec), fields: { 254: [1] } };
  const [series, ...others] = await describedFile(
    fileOf("thumbnail.tif", buildTiff([...numberedPages(2), thumbnail])),
  );
  assert.equal(others.length, 0);
  assert.ok(series !== undefined && !isEdgeError(series));
  assert.match(series.notes.join(), /1 smaller copies or masks are left out/);
});

test("reads a plane into the caller's buffer, and refuses one that does not fit", async () => {
  const source = await openAcquisition(fileOf("into.tif", buildTiff(numberedPages(3))));
  try {
    const into = new Uint16Array(12);
    assert.equal(await source.readPlane({ t: 0, c: 0, z: 2 }, { into }), into);
    assert.deepEqual([...into], Array(12).fill(2));
    const wrong = { into: new Int16Array(12) };
    await assert.rejects(source.readPlane({ t: 0, c: 0, z: 0 }, wrong), /does not fit/);
    await assert.rejects(source.readPlane({ t: 0, c: 0, z: 3 }), /no such plane/);
    const aborted = { signal: AbortSignal.abort() };
    await assert.rejects(source.readPlane({ t: 0, c: 0, z: 0 }, aborted), { name: "AbortError" });
  } finally {
    await source.close();
  }
});

test("a file that shrinks after it was opened is told, not filled up", async () => {
  const bytes = buildTiff(numberedPages(3));
  const file = fileOf("shrinks.tif", bytes);
  const source = await openAcquisition(file);
  writeFileSync(file, bytes.subarray(0, 60));
  await assert.rejects(
    source.readPlane({ t: 0, c: 0, z: 2 }),
    (error) => isEdgeError(error) && error.retryable,
  );
  await source.close();
});

test("every prefix of a file is refused: no half-copied file is ever read", async () => {
  const whole = described(numberedPages(3), "ImageJ=1.53t\nimages=3\nslices=3\n");
  for (let length = 0; length < whole.length; length += 1) {
    const line = await refusalOf(fileOf("prefix.tif", whole.subarray(0, length)));
    // The last bytes pad the last directory's fields to an even length.
    if (length < whole.length - 3) assert.notEqual(line, "read", `${length} of ${whole.length} bytes`);
  }
});

test("ImageJ names the axes, orders them, and its planes are found without directories", async () => {
  const hyperstack = "ImageJ=1.53t\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\n";
  const czt = fileOf("czt.tif", described(numberedPages(12), hyperstack));
  // Stored T, Z, C (C fastest); asked for in T, C, Z.
  assert.deepEqual(await firstSamples(czt), [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
  const zct = fileOf("zct.tif", described(numberedPages(12), `${hyperstack}order=zct\n`));
  assert.deepEqual(await firstSamples(zct), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);

  const planes = Buffer.concat(numberedPages(12).map((page) => page.bytes));
  const page = { width: 4, length: 3, bytes: planes, description: hyperstack, fields: { 279: [24] } };
  assert.deepEqual(await firstSamples(fileOf("one-ifd.tif", buildTiff([page]))), await firstSamples(czt));
  assert.match(
    await refusalOf(fileOf("few.tif", described(numberedPages(11), hyperstack))),
    /description and the pages do not agree/,
  );
  assert.match(
    await refusalOf(fileOf("order.tif", described(numberedPages(12), `${hyperstack}order=xyz\n`))),
    /ImageJ description is damaged/,
  );
});

test("tifffile's shape and axes are taken over, several series in one file too", async () => {
  const first = numberedPages(6).map((page, i) =>
    i === 0 ? { ...page, description: '{"shape": [3, 2, 3, 4], "axes": "ZCYX"}' } : page,
  );
  const second = numberedPages(2, 5, 3, 50).map((page, i) =>
    i === 0 ? { ...page, description: '{"shape": [2, 3, 5]}' } : page,
  );
  const file = fileOf("shaped.tif", buildTiff([...first, ...second]));
  const [zcyx, qyx] = await describedFile(file);
  assert.ok(zcyx !== undefined && !isEdgeError(zcyx) && qyx !== undefined && !isEdgeError(qyx));
  assert.deepEqual([zcyx.axes, zcyx.shape], ["ZCYX", [3, 2, 3, 4]]);
  assert.deepEqual([qyx.axes, qyx.shape], ["QYX", [2, 3, 5]]);
  assert.deepEqual(await firstSamples(file), [0, 2, 4, 1, 3, 5]);
  assert.deepEqual(await firstSamples(file, 1), [50, 51]);
});

test("letters beyond T, C and Z count as depth, and planes without directories are never lost", async () => {
  const planes = Buffer.concat(numberedPages(4).map((page) => page.bytes));
  const shaped = (description: string) =>
    buildTiff([{ width: 4, length: 3, bytes: planes, description, fields: { 279: [24] } }]);
  const positions = fileOf(
    "positions.tif",
    shaped('{"shape": [2, 2, 3, 4], "axes": "RAYX", "truncated": true}'),
  );
  assert.deepEqual(await firstSamples(positions), [0, 1, 2, 3]);
  const [series] = await describedFile(positions);
  assert.ok(series !== undefined && !isEdgeError(series));
  assert.deepEqual([series.axes, series.notes], ["RAYX", ["axes RA are taken as depth (Z)"]]);
  const columns = shaped('{"shape": [4, 4, 3], "axes": "ZXY", "truncated": true}');
  assert.match(await refusalOf(fileOf("columns.tif", columns)), /names axes that we do not read.*axes ZXY/);
});

test("makes with axes in private fields are refused by name where they have several pages", async () => {
  const pagesWith = (fields: Record<number, number[]>) =>
    buildTiff(numberedPages(2).map((page, i) => (i === 0 ? { ...page, fields } : page)));
  assert.match(await refusalOf(fileOf("fluoview.tif", pagesWith({ 34362: [1] }))), /Olympus FluoView/);
  assert.match(await refusalOf(fileOf("sis.tif", pagesWith({ 33560: [1] }))), /Olympus SIS/);
  assert.match(await refusalOf(fileOf("gel.tif", pagesWith({ 33445: [2] }))), /square roots/);
  const scanImage = fileOf("scanimage.tif", described(numberedPages(2), "state.configPath='x'"));
  assert.match(await refusalOf(scanImage), /ScanImage/);
  assert.equal(
    await refusalOf(fileOf("one.tif", buildTiff([{ ...onePage, fields: { 34362: [1] } }]))),
    "read",
  );
});

test("a MetaMorph stack is read whole from its one directory", async () => {
  const planes = Buffer.concat(numberedPages(3).map((page) => page.bytes));
  // UIC2: six numbers for each plane; distances 1/1 make it a Z stack. They lie behind the three planes.
  const words = Buffer.from(
    Uint32Array.from({ length: 18 }, (_, i) => (i % 6 < 2 ? 1 : Math.floor(i / 6))).buffer,
  );
  const bytes = buildTiff([
    { width: 4, length: 3, bytes: Buffer.concat([planes, words]), fields: { 279: [24], 33629: [0, 80, 0] } },
  ]);
  // The field counts planes (3) and points at the numbers: 8 bytes of header and 72 of planes before them.
  const entry = bytes.indexOf(Buffer.from([0x5d, 0x83, 4, 0, 3, 0, 0, 0]));
  bytes.writeUInt16LE(5, entry + 2);
  bytes.writeUInt32LE(80, entry + 8);
  const file = fileOf("stack.stk", bytes);
  const [series] = await describedFile(file);
  assert.ok(series !== undefined && !isEdgeError(series));
  assert.deepEqual([series.make, series.axes], ["MetaMorph STK", "ZYX"]);
  assert.deepEqual(await firstSamples(file), [0, 1, 2]);
});

test("text in fields is UTF-8, or else ISO-8859-1", async () => {
  const latin = Buffer.from("f\xfcr 3 \xb5m", "latin1");
  const [series] = await describedFile(fileOf("latin.tif", buildTiff([{ ...onePage, description: latin }])));
  assert.ok(series !== undefined && !isEdgeError(series));
  assert.deepEqual(series.original, { kind: "text", text: "für 3 µm" });
});

test("a NumPy array is a stack without names", async () => {
  const { encodeNpy } = await import("../../formats/npy.ts");
  mkdirSync(join(scratch, "npy"));
  const file = fileOf("npy/a.npy", encodeNpy({ shape: [2, 1, 2], data: Float32Array.of(1, 2, 3, 4) }));
  assert.deepEqual(await firstSamples(file), [1, 3]);
  const flat = fileOf("npy/flat.npy", encodeNpy({ shape: [4], data: new Float32Array(4) }));
  assert.match(await refusalOf(flat), /not an image or a stack of images/);
});
