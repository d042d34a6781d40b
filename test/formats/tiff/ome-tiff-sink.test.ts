import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { removeStalePartials } from "../../../formats/file/partial-name.ts";
import { layoutOf } from "../../../formats/tiff/ome-tiff-layout.ts";
import { createOmeTiff, planeIndexAt } from "../../../formats/tiff/ome-tiff-sink.ts";
import { acquisitionOf } from "./acquisition.fixture.ts";

const root = await mkdtemp(join(tmpdir(), "cnnt-sink-"));
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(root, "case-"));
});
after(() => rm(root, { recursive: true }));

const sizes = { t: 2, c: 1, z: 2, y: 3, x: 4 };
const spec = { acquisition: acquisitionOf(sizes, "uint16"), sampleType: "uint16" } as const;
const samples = (): Uint16Array => new Uint16Array(12);

const hasCode = (code: string) => (error: unknown) => isEdgeError(error, code);

test("planes come with Z fastest, or with T fastest where depth is time", () => {
  const order = (fastest: "z" | "t"): string[] =>
    Array.from({ length: 8 }, (_, position) => {
      const { t, c, z } = planeIndexAt(position, { ...sizes, c: 2 }, fastest);
      return `${t}${c}${z}`;
    });
  assert.deepEqual(order("z"), ["000", "001", "010", "011", "100", "101", "110", "111"]);
  assert.deepEqual(order("t"), ["000", "100", "010", "110", "001", "101", "011", "111"]);
});

test("a plane out of order, of another type or of another size is refused", async () => {
  const sink = await createOmeTiff(join(folder, "a.ome.tif"), spec);
  await assert.rejects(sink.write({ t: 0, c: 0, z: 1, samples: samples() }), hasCode("plane-order"));
  await sink.abort();
  for (const wrong of [new Int16Array(12), new Uint16Array(11)]) {
    const other = await createOmeTiff(join(folder, "a.ome.tif"), spec);
    await assert.rejects(other.write({ t: 0, c: 0, z: 0, samples: wrong }), hasCode("plane-samples"));
    await other.abort();
  }
  assert.deepEqual(await readdir(folder), []);
});

test("finish refuses while planes are missing, and abort then leaves nothing", async () => {
  const sink = await createOmeTiff(join(folder, "a.ome.tif"), spec);
  await sink.write({ t: 0, c: 0, z: 0, samples: samples() });
  await assert.rejects(sink.finish([]), hasCode("planes-missing"));
  await sink.abort();
  assert.deepEqual(await readdir(folder), []);
});

test("writes that are not awaited keep their order", async () => {
  const path = join(folder, "a.ome.tif");
  const sink = await createOmeTiff(path, spec);
  await Promise.all(
    [0, 1, 2, 3].map((position) =>
      sink.write({ ...planeIndexAt(position, sizes, "z"), samples: samples().fill(position + 1) }),
    ),
  );
  await sink.finish([]);
  const file = await readFile(path);
  assert.deepEqual(
    [0, 1, 2, 3].map((position) => file.readUInt16LE(16 + position * 24)),
    [1, 2, 3, 4],
  );
});

test("until finish the file is no TIFF", async () => {
  const sink = await createOmeTiff(join(folder, "a.ome.tif"), spec);
  await sink.write({ t: 0, c: 0, z: 0, samples: samples() });
  const [name = ""] = await readdir(folder);
  const handle = await open(join(folder, name));
  const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  await handle.close();
  await sink.abort();
  assert.deepEqual([...buffer], [0, 0, 0, 0]);
});

test("BigTIFF is chosen by the exact size, with room for the metadata", () => {
  const flavourOf = (planes: number, compression: "none" | "deflate" = "none"): boolean => {
    const acquisition = acquisitionOf({ t: 1, c: 1, z: planes, y: 2048, x: 2048 }, "uint16");
    return layoutOf({ acquisition, sampleType: "uint16", compression }, false).flavour.big;
  };
  // A plane is 8 MiB; 511 leave 8 MiB for directories and metadata, 512 are 4 GiB.
  assert.equal(flavourOf(511), false);
  assert.equal(flavourOf(512), true);
  // What the compressor makes of noise may be longer than the noise.
  assert.equal(flavourOf(500, "deflate"), false);
  assert.equal(flavourOf(511, "deflate"), true);
  assert.equal(layoutOf(spec, true).flavour.big, true);
});

test("metadata as long as the source's own counts too", () => {
  const acquisition = acquisitionOf({ t: 1, c: 1, z: 511, y: 2048, x: 2048 }, "uint16", {
    original: { kind: "text", text: "x".repeat(2 ** 20) },
  });
  assert.equal(layoutOf({ acquisition, sampleType: "uint16" }, false).flavour.big, true);
});

test("the room asked for on the disk is no less than what is written", async () => {
  for (const forceBigTiff of [false, true]) {
    const path = join(folder, `${forceBigTiff}.ome.tif`);
    const sink = await createOmeTiff(path, spec, { forceBigTiff });
    for (let position = 0; position < 4; position += 1) {
      await sink.write({ ...planeIndexAt(position, sizes, "z"), samples: samples() });
    }
    await sink.finish([["key", "value"]]);
    assert.ok((await stat(path)).size <= layoutOf(spec, forceBigTiff).largestFileBytes);
  }
});

for (const signal of ["SIGKILL", "SIGINT"] as const) {
  test(`${signal} in mid-write leaves nothing under the final name, and the partial is removed later`, async () => {
    const child = fork(new URL("./slow-writer.fixture.ts", import.meta.url), [join(folder, "a.ome.tif")], {
      execArgv: ["--import", import.meta.resolve("tsx")],
    });
    await once(child, "message");
    child.kill(signal);
    await once(child, "exit");
    const left = await readdir(folder);
    assert.equal(left.length, 1);
    assert.match(left[0] ?? "", /^\.cnnt-edge-.*\.partial$/);
    assert.deepEqual(await removeStalePartials(folder), left);
    assert.deepEqual(await readdir(folder), []);
  });
}
