import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { openFile, refusalOf } from "../../../formats/open.ts";
import { buildZarr, put, type ZarrSpec } from "./build-zarr.ts";

const scratch = mkdtempSync(join(tmpdir(), "refused-zarr-"));
after(() => rmSync(scratch, { recursive: true }));

let made = 0;
function folderOf(spec: ZarrSpec): string {
  made += 1;
  const folder = join(scratch, String(made), "a.zarr");
  buildZarr(folder, spec);
  return folder;
}

/** The line that a person reads, or "read". */
async function lineOf(folder: string): Promise<string> {
  try {
    const opened = await openFile(folder);
    await opened.close();
    const refusal = refusalOf(opened);
    if (refusal === undefined) return "read";
    throw refusal;
  } catch (error) {
    assert.ok(isEdgeError(error), String(error));
    assert.ok(error.remedy !== undefined && error.file?.startsWith(scratch), describeError(error));
    return describeError(error).replaceAll(scratch, "");
  }
}

const small = { format: 3, axes: "zyx", shape: [2, 8, 8], chunk: [1, 8, 8] } as const;
const two = { ...small, format: 2 } as const;
const bytes = { name: "bytes", configuration: { endian: "little" } };
const sharding = (fields: object) => ({
  metadata: {
    codecs: [
      {
        name: "sharding_indexed",
        configuration: { chunk_shape: [1, 8, 8], codecs: [bytes], index_codecs: [bytes], ...fields },
      },
    ],
  },
});

const refused: readonly (readonly [what: string, spec: ZarrSpec, says: RegExp])[] = [
  [
    "a shape of a million million planes",
    { ...small, metadata: { shape: [1e12, 8, 8] } },
    /larger than is allowed .*1000000000000 planes/,
  ],
  [
    "planes of a terabyte",
    { ...small, metadata: { shape: [2, 1e6, 1e6] } },
    /larger than is allowed .*planes of 2000000000000 bytes/,
  ],
  [
    "planes of a million chunks",
    { ...small, metadata: { shape: [2, 8192, 8192] } },
    /more chunks than is allowed .*1048576 chunks of 8 x 8/,
  ],
  [
    "lengths whose product is no number",
    { ...small, metadata: { shape: [2, 2 ** 53 - 1, 2 ** 53 - 1] } },
    /larger than is allowed/,
  ],
  [
    "a negative length",
    { ...small, metadata: { shape: [-2, 8, 8] } },
    /metadata of the array are damaged \(shape; found \[-2,8,8\]/,
  ],
  ["a length that is no whole number", { ...small, metadata: { shape: [1.5, 8, 8] } }, /damaged \(shape/],
  ["no shape", { ...small, metadata: { shape: null } }, /damaged \(shape; found null/],
  ["an array without planes", { ...small, metadata: { shape: [0, 8, 8] } }, /no planes, or not yet .*Wait/],
  [
    "a chunk of a gigabyte and more",
    {
      ...small,
      metadata: { chunk_grid: { name: "regular", configuration: { chunk_shape: [2 ** 20, 1024, 1024] } } },
    },
    /chunks of the array are larger than is allowed/,
  ],
  ["chunks of length 0", { ...two, metadata: { chunks: [0, 8, 8] } }, /damaged \(chunks; found \[0,8,8\]/],
  ["chunks of another number of axes", { ...two, metadata: { chunks: [8, 8] } }, /damaged \(chunks/],
  [
    "an unknown grid",
    { ...small, metadata: { chunk_grid: { name: "rectilinear" } } },
    /not read \(chunk_grid; found "rectilinear"; expected regular/,
  ],
  [
    "an unknown codec",
    { ...small, metadata: { codecs: [bytes, { name: "jpeg2k" }] } },
    /not read \(codecs; found \["bytes","jpeg2k"\]/,
  ],
  [
    "two packers, one in the other",
    { ...small, metadata: { codecs: [bytes, { name: "zstd" }, { name: "gzip" }] } },
    /not read \(codecs/,
  ],
  [
    "an unknown compressor",
    { ...two, metadata: { compressor: { id: "lzma" } } },
    /not read \(compressor; found "lzma"; expected blosc/,
  ],
  ["filters", { ...two, metadata: { filters: [{ id: "delta" }] } }, /not read \(filters/],
  ["64-bit integers", { ...two, metadata: { dtype: "<i8" } }, /not read \(dtype; found "<i8"/],
  ["a record", { ...two, metadata: { dtype: [["r", "u1"]] } }, /not read \(dtype/],
  ["half floats", { ...small, metadata: { data_type: "float16" } }, /not read \(data_type; found "float16"/],
  [
    "a fill value that the type has not",
    { ...small, metadata: { fill_value: -1 } },
    /damaged \(fill_value; found -1/,
  ],
  [
    "a field that must be understood",
    { ...small, metadata: { rotated: { must_understand: true } } },
    /not read \(rotated/,
  ],
  ["a version to come", { ...small, metadata: { zarr_format: 4 } }, /damaged \(zarr_format; found 4/],
  [
    "a shard in a shard",
    { ...small, ...sharding({ codecs: [{ name: "sharding_indexed", configuration: {} }] }) },
    /not read \(codecs; found \["sharding_indexed"\]/,
  ],
  [
    "chunks that do not fill a shard",
    { ...small, ...sharding({ chunk_shape: [1, 3, 8] }) },
    /damaged \(chunk_shape of the shards/,
  ],
  [
    "a shard of a thousand million chunks",
    {
      ...small,
      metadata: {
        chunk_grid: { name: "regular", configuration: { chunk_shape: [2 ** 30, 8, 8] } },
        ...sharding({}).metadata,
      },
    },
    /not read \(chunks in a shard/,
  ],
  [
    "a packed index",
    { ...small, ...sharding({ index_codecs: [bytes, { name: "zstd" }] }) },
    /not read \(index_codecs/,
  ],
  [
    "an OME-Zarr of a version to come",
    { ...small, ome: { version: "0.6" } },
    /not read \(version; found "0.6"; expected 0.4 or 0.5/,
  ],
  ["axes in another order", { ...small, axes: "yxz" }, /not read \(axes; found y, x, z/],
  ["an axis twice", { ...small, axes: "zzyx", shape: [1, 2, 8, 8], chunk: [1, 1, 8, 8] }, /not read \(axes/],
  ["an axis of another meaning", { ...small, axes: "ayx" }, /not read \(axes; found a, y, x/],
  [
    "more axes than are described",
    { ...small, shape: [1, 2, 8, 8], chunk: [1, 1, 8, 8] },
    /other axes than the OME-Zarr describes/,
  ],
  [
    "a level above the folder",
    {
      ...small,
      ome: { multiscales: [{ axes: [{ name: "y" }, { name: "x" }], datasets: [{ path: "../../b" }] }] },
    },
    /damaged \(multiscales.datasets.0.path; found "..\/..\/b"/,
  ],
  [
    "no levels",
    { ...small, ome: { multiscales: [{ axes: [{ name: "y" }, { name: "x" }], datasets: [] }] } },
    /description .* damaged/,
  ],
  [
    "axes without names (OME-Zarr 0.2)",
    { ...small, ome: { multiscales: [{ datasets: [{ path: "0" }] }] } },
    /kind of OME-Zarr is not read \(axes; found nothing; expected axes with names .*0.4/,
  ],
  ["no image at all", { ...small, ome: { multiscales: [] } }, /description .* damaged/],
  [
    "a plate",
    { ...small, ome: { multiscales: undefined, plate: { wells: [{ path: "B/03" }] } } },
    /this is a plate.*Name the folder of a field, such as a.zarr\/B\/03\/0$/,
  ],
  [
    "a well",
    { ...small, ome: { multiscales: undefined, well: { images: [{ path: "2" }] } } },
    /this is a well of a plate.*a.zarr\/2$/,
  ],
  [
    "no chunk at all",
    { ...small, isAbsent: () => true },
    /none of the image's chunks is there, or not yet \(found 0 of 2 chunks/,
  ],
];

test("an array or a description that is damaged, too large or unknown is refused by one line that says what and where", async () => {
  for (const [what, spec, says] of refused) {
    const line = await lineOf(folderOf(spec));
    assert.match(line, says, what);
    assert.ok(!/internal error/.test(line) && line.length < 500, line);
  }
});

test("JSON that is cut, endless or deeply nested, or no object, is refused by the name of its file", async () => {
  for (const [text, says] of [
    ['{"zarr_format": 3, ', /19 bytes that are cut or damaged/],
    ["", /an empty file/],
    ["[]", /no JSON object/],
    [`{"attributes": ${"[".repeat(2_000_000)}`, /cut or damaged/],
    [`{"attributes": {"ome": ${"[".repeat(100_000)}${"]".repeat(100_000)}}}`, /nested too deep/],
    [" ".repeat(2 ** 26 + 1), /longer than is allowed .*67108865 bytes/],
  ] as const) {
    const folder = folderOf(small);
    writeFileSync(join(folder, "zarr.json"), text);
    assert.match(await lineOf(folder), says);
  }
});

test("a folder whose metadata are still to come says so, and one that is no image says what it is", async () => {
  const waiting = folderOf(small);
  rmSync(join(waiting, "zarr.json"));
  assert.match(await lineOf(waiting), /no metadata at its root, or not yet .*Wait until it is written/);
  const array = join(folderOf(small), "0");
  assert.match(await lineOf(array), /this is a Zarr array, which does not say .*Name the folder above it/);
  const half = folderOf(small);
  renameSync(join(half, "0"), join(half, "1"));
  assert.match(await lineOf(half), /a.zarr\/0: the array with the full resolution is not there, or not yet/);
  const own = folderOf(small);
  assert.match(
    await lineOf(join(own, "zarr.json")),
    /part of an acquisition that is a folder. Name the folder: .*a.zarr$/,
  );
  const plain = join(scratch, "plain");
  mkdirSync(plain);
  assert.match(await lineOf(plain), /this is a folder, not a file/);
});

test("links are not followed, wherever in the folder they stand; the folder itself may be one", async () => {
  const folder = folderOf(small);
  const aside = join(scratch, "aside");
  symlinkSync(folder, aside);
  assert.equal(await lineOf(aside), "read");
  const chunk = join(folder, "0/c/1/0/0");
  renameSync(chunk, join(scratch, "chunk"));
  for (const target of [join(scratch, "chunk"), "../../0/0/0", "/nowhere"]) {
    rmSync(chunk, { force: true });
    symlinkSync(target, chunk);
    assert.match(
      await lineOf(folder),
      /c\/1\/0\/0: a symbolic link inside an OME-Zarr is not followed/,
      target,
    );
  }
  const other = folderOf(small);
  renameSync(join(other, "0"), join(scratch, "level"));
  symlinkSync(join(scratch, "level"), join(other, "0"));
  assert.match(await lineOf(other), /a.zarr\/0.*a symbolic link/);
  const description = folderOf(small);
  renameSync(join(description, "zarr.json"), join(scratch, "zarr.json"));
  symlinkSync(join(scratch, "zarr.json"), join(description, "zarr.json"));
  assert.match(await lineOf(description), /zarr.json: a symbolic link/);
});

test("a folder or a pipe in place of a chunk is refused, and nothing waits for it", async () => {
  const folder = folderOf({ ...two, packer: "gzip" });
  const chunk = join(folder, "0/1/0/0");
  rmSync(chunk);
  mkdirSync(chunk);
  const opened = await openFile(folder);
  const [series] = opened.series;
  assert.ok(series !== undefined && "acquisition" in series);
  await assert.rejects(series.readPlane({ t: 0, c: 0, z: 1 }), (error) =>
    isEdgeError(error, "file-is-folder"),
  );
});

test("each position of acquire-zarr and each series of bioformats2raw is an image, in the order that the folder gives", async () => {
  const layouts: readonly (readonly [listed: object, order: readonly string[]])[] = [
    [{}, ["pos2", "pos10"]],
    [
      { "OME/zarr.json": { zarr_format: 3, attributes: { ome: { series: ["pos10", "pos2"] } } } },
      ["pos10", "pos2"],
    ],
  ];
  for (const [index, [files, order]] of layouts.entries()) {
    const folder = join(scratch, `positions-${index}.zarr`);
    for (const name of ["pos10", "pos2"]) buildZarr(join(folder, name), small);
    put(join(folder, "zarr.json"), { zarr_format: 3, node_type: "group", attributes: {} });
    put(join(folder, "labels/zarr.json"), { zarr_format: 3, node_type: "group", attributes: {} });
    for (const [name, content] of Object.entries(files)) put(join(folder, name), content);
    const { series, files: stated } = await openFile(folder);
    assert.deepEqual(stated, [folder]);
    const told = series.map((one) => ("acquisition" in one ? one.acquisition : undefined));
    assert.deepEqual(
      told.map((one) => [one?.name, one?.members, one?.series, one?.seriesCount, one?.file]),
      order.map((name, place) => [name, [join(folder, name)], place, 2, folder]),
    );
  }
});

test("one position that is damaged, or listed and not there, does not keep the others from being read", async () => {
  const folder = join(scratch, "one-damaged.zarr");
  for (const name of ["0", "1"]) buildZarr(join(folder, name), two);
  put(join(folder, ".zattrs"), { "bioformats2raw.layout": 3 });
  put(join(folder, "OME/.zattrs"), { series: ["0", "1", "2"] });
  const chunk = join(folder, "1/0/0/0/0");
  writeFileSync(chunk, readFileSync(chunk).subarray(1));
  const { series } = await openFile(folder);
  const ends = series.map((one) => ("refusal" in one ? one.refusal.code : "read"));
  assert.deepEqual(ends, ["read", "zarr-chunk-torn", "zarr-image-missing"]);
});
