import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { bytesOf } from "../../core/acquisition.ts";
import { openFile } from "../../formats/open.ts";
import { planesIn } from "../../formats/plane/plane-source.ts";
import { buildLif, plainStack } from "../formats/lif/build-lif.ts";
import { runHere } from "./run-command.ts";

const root = resolve(import.meta.dirname, "../..");
const identity = join(root, "models/identity");
const fixture = join(root, "test/fixtures/lif/made-three-series.lif");
const scratch = mkdtempSync(join(tmpdir(), "denoise-lif-"));
after(() => rmSync(scratch, { recursive: true }));

/** Of each image what a result keeps, and the samples of its planes in T, C, Z order. */
async function imagesOf(file: string) {
  const opened = await openFile(file);
  try {
    const found = [];
    for (const series of opened.series) {
      if ("refusal" in series) assert.fail(series.refusal);
      const { name, sizes, pixelSize, channels, timeIncrement } = series.acquisition;
      const planes: string[] = [];
      for (const index of planesIn(sizes))
        planes.push(Buffer.from(bytesOf(await series.readPlane(index))).toString("base64"));
      found.push({ name, sizes, pixelSize, channels, timeIncrement, planes });
    }
    return found;
  } finally {
    await opened.close();
  }
}

test("each image of a LIF has a result, with its samples, its name, its sizes and its channels", async () => {
  const out = join(scratch, "out");
  const { code, stderr } = await runHere(["denoise", fixture, "--model", identity, "--out", out]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /made-three-series\.lif: 3 images, each with a result of its own; --series takes one/);
  assert.deepEqual(readdirSync(out).sort(), [
    "made-three-series.denoised.ome.tif",
    "made-three-series.s1.denoised.ome.tif",
    "made-three-series.s2.denoised.ome.tif",
  ]);
  const sources = await imagesOf(fixture);
  for (const [series, source] of sources.entries()) {
    const suffix = series === 0 ? "" : `.s${series}`;
    const [result] = await imagesOf(join(out, `made-three-series${suffix}.denoised.ome.tif`));
    assert.deepEqual(result, source);
  }
});

test("a result carries a tile's position, LAS X's settings and the time of the first frame", async () => {
  const file = join(scratch, "mosaic.lif");
  const stack = plainStack("M", { x: 16, y: 16, z: 4 });
  writeFileSync(
    file,
    buildLif([
      {
        ...stack,
        dimensions: [...(stack.dimensions ?? []), { id: 10, count: 2, bytesInc: 1024 }],
        samples: Buffer.alloc(2048, 7),
        attachments:
          '<TimeStampList NumberOfTimeStamps="1">1d71114eb8b44f0 </TimeStampList>' +
          '<Attachment Name="HardwareSetting" Software="LAS X"><ATLConfocalSettingDefinition LineAverage="4" ScanSpeed="600"/></Attachment>' +
          '<Attachment Name="TileScanInfo"><Tile FieldX="0" PosX="0.01" PosY="0.02"/><Tile FieldX="1" PosX="0.0115" PosY="0.02"/></Attachment>',
      },
    ]),
  );
  const out = join(scratch, "tiles");
  const { code, stderr } = await runHere(["denoise", file, "--model", identity, "--out", out]);
  assert.equal(code, 0, stderr);
  const xml = readFileSync(join(out, "mosaic.s1.denoised.ome.tif"), "utf8");
  assert.match(xml, /<Image ID="Image:0" Name="M tile 2"><AcquisitionDate>2021-03-04T/);
  assert.match(xml, /<Plane [^>]*PositionX="11500" PositionXUnit="µm" PositionY="20000" PositionYUnit="µm"/);
  assert.match(xml, /<M K="LineAverage">4<\/M><M K="ScanSpeed">600<\/M>/);
  assert.match(xml, /cnnt-edge\/provenance\/1/);
});

test("an image of a LIF that is not read is refused by name, and the others have results", async () => {
  const file = join(scratch, "mixed.lif");
  const stack = plainStack("sound", { x: 16, y: 16, z: 4 });
  const dimensions = [...(stack.dimensions ?? []).slice(0, 2), { id: 5, count: 4, bytesInc: 256 }];
  writeFileSync(file, buildLif([{ ...stack, name: "spectrum", dimensions }, stack]));
  const out = join(scratch, "mixed");
  const { code, stderr } = await runHere(["denoise", file, "--model", identity, "--out", out]);
  assert.equal(code, 1);
  assert.match(stderr, /^cnnt-edge: .*mixed\.lif: a dimension of this kind is not read \(image "spectrum"/m);
  assert.deepEqual(readdirSync(out), ["mixed.s1.denoised.ome.tif"]);
});
