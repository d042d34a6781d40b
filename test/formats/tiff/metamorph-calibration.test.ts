import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { defaultLimits } from "../../../formats/file/reading.ts";
import { metaMorphPixelSize } from "../../../formats/tiff/metamorph-calibration.ts";
import { temporaryFolder } from "../../watcher/temporary-folder.ts";
import { buildTiff, numberedPages } from "../build-tiff.ts";

async function sizesOf(bytes: Buffer) {
  const file = join(await temporaryFolder(), "a.stk");
  await writeFile(file, bytes);
  const { x, y } = await metaMorphPixelSize(file, defaultLimits);
  return [x?.um, y?.um];
}

/** A file whose UIC1 has the calibration x / 1000, y / 1000 in `unit`; `place` moves where it says that these stand. */
function withTag(x: number, y: number, unit: string, place = 0): Buffer {
  const entries = (at: number): number[] => [3, 1, 4, at, 5, at + 8, 6, at + 16];
  const build = (at: number): Buffer =>
    buildTiff(numberedPages(1).map((page) => ({ ...page, fields: { 33628: entries(at) } })));
  const size = build(0).length;
  const bytes = build(size + place);
  // As MetaMorph writes it, the field counts pairs.
  const directory = bytes.readUInt32LE(4);
  for (let at = directory + 2; at < directory + 2 + 12 * bytes.readUInt16LE(directory); at += 12)
    if (bytes.readUInt16LE(at) === 33628) bytes.writeUInt32LE(bytes.readUInt32LE(at + 4) / 2, at + 4);
  const tail = Buffer.alloc(20 + unit.length);
  for (const [index, word] of [x, 1000, y, 1000, unit.length].entries()) tail.writeUInt32LE(word, 4 * index);
  tail.write(unit, 20, "latin1");
  return Buffer.concat([bytes, tail]);
}

test("MetaMorph's tag UIC1 states the size of a pixel, where it is calibrated in a length", async () => {
  assert.deepEqual(await sizesOf(withTag(645, 650, "um")), [0.645, 0.65]);
  assert.deepEqual(await sizesOf(withTag(1000, 1000, "pixel")), [undefined, undefined]);
  assert.deepEqual(await sizesOf(withTag(1000, 1000, "")), [undefined, undefined]);
  assert.deepEqual(await sizesOf(withTag(645, 650, "um", 1_000_000)), [undefined, undefined]);
  assert.deepEqual(await sizesOf(buildTiff(numberedPages(1))), [undefined, undefined]);
});

test("so does the XML of newer versions", async () => {
  const description =
    '<MetaData><PlaneInfo><prop id="spatial-calibration-state" type="bool" value="on"/><prop id="spatial-calibration-x" type="float" value="0.16"/><prop id="spatial-calibration-y" type="float" value="0.17"/><prop id="spatial-calibration-units" type="string" value="um"/></PlaneInfo></MetaData>';
  assert.deepEqual(
    await sizesOf(buildTiff(numberedPages(1).map((page) => ({ ...page, description })))),
    [0.16, 0.17],
  );
});
