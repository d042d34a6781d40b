import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { describeError } from "../../../core/errors.ts";
import { openAcquisition, openFile } from "../../../formats/open.ts";
import { planesIn } from "../../../formats/plane/plane-source.ts";
import { temporaryFolder } from "../../watcher/temporary-folder.ts";
import { buildTiff, numberedPages } from "../build-tiff.ts";
import { writeMicroManager } from "./micro-manager-files.ts";

async function refusalOf(file: string): Promise<string> {
  const opened = await openFile(file);
  await opened.close();
  return opened.series.map((one) => ("refusal" in one ? describeError(one.refusal) : "read")).join();
}

for (const version of ["1.4", "2.0"] as const) {
  test(`Micro-Manager's separate image files (${version}) are one image by their metadata.txt, plane by plane`, async () => {
    const folder = await temporaryFolder();
    const { metadata, names } = await writeMicroManager(folder, { version, t: 3, c: 2, z: 2 });
    const source = await openAcquisition(metadata);
    const { sizes, channels, pixelSize, timeIncrement, members } = source.acquisition;
    assert.deepEqual(sizes, { t: 3, c: 2, z: 2, y: 3, x: 4 });
    assert.deepEqual(channels, [{ name: "Cy3" }, { name: "DAPI" }]);
    assert.deepEqual(
      [pixelSize.x?.um, pixelSize.y?.um, pixelSize.z?.um, timeIncrement?.s],
      [0.325, 0.325, 1.5, 0.5],
    );
    assert.deepEqual(
      members,
      names.map((name) => join(folder, name)),
    );
    for (const index of planesIn(sizes)) {
      const [sample] = await source.readPlane(index);
      assert.equal(sample, 100 * index.t + 10 * index.c + index.z + 1);
    }
    await source.close();
    const plane = await openAcquisition(join(folder, names[4] ?? ""));
    await plane.close();
    assert.equal(plane.acquisition.describedBy, "metadata.txt");
  });

  test(`an acquisition (${version}) of which planes are missing is refused by name, closed or not`, async () => {
    for (const ended of [true, false]) {
      const folder = await temporaryFolder();
      const { metadata, names } = await writeMicroManager(folder, {
        version,
        t: 3,
        c: 2,
        z: 2,
        planes: 7,
        ended,
      });
      assert.match(await refusalOf(metadata), /no "img_.*, 2 more of them missing/);
      await rm(join(folder, names[2] ?? ""));
      assert.ok((await refusalOf(metadata)).includes(`no "${names[2]}"`));
    }
  });

  test(`an acquisition (${version}) that was ended after whole time points is read as far as it went, with a note`, async () => {
    const folder = await temporaryFolder();
    const { metadata } = await writeMicroManager(folder, { version, t: 5, c: 2, z: 2, planes: 8 });
    const { acquisition, close } = await openAcquisition(metadata);
    await close();
    assert.equal(acquisition.sizes.t, 2);
    assert.ok(acquisition.notes.includes("the acquisition was ended after 2 of 5 time points"));
    // One that goes on has not ended.
    const going = await temporaryFolder();
    const { metadata: open } = await writeMicroManager(going, {
      version,
      t: 5,
      c: 2,
      z: 2,
      planes: 8,
      ended: false,
    });
    assert.match(await refusalOf(open), /no "img_/);
  });

  test(`a summary (${version}) without sizes counts what its closed text lists, and waits while it is open`, async () => {
    const folder = await temporaryFolder();
    const set = { version, t: 2, c: 2, z: 1, stated: false };
    const { metadata } = await writeMicroManager(folder, set);
    assert.equal(await refusalOf(metadata), "read");
    await writeMicroManager(folder, { ...set, ended: false });
    assert.match(await refusalOf(metadata), /has not ended: its metadata\.txt is not closed/);
  });
}

test("planes that the metadata do not count are refused by name", async () => {
  const folder = await temporaryFolder();
  const { metadata } = await writeMicroManager(folder, { version: "2.0", t: 1, c: 1, z: 1 });
  await writeFile(
    join(folder, "img_channel000_position000_time000000001_z000.tif"),
    buildTiff(numberedPages(1)),
  );
  assert.match(
    await refusalOf(metadata),
    /does not count \(found "img_channel000_position000_time000000001_z000\.tif"\)/,
  );
});

test("metadata that are cut anywhere, or count without end, are refused in one line or read as far as they go", async () => {
  const folder = await temporaryFolder();
  const { metadata } = await writeMicroManager(folder, { version: "1.4", t: 2, c: 1, z: 1 });
  const text = await readFile(metadata, "utf8");
  for (let length = 16; length < text.length; length += 37) {
    await writeFile(metadata, text.slice(0, length));
    const told = await refusalOf(metadata).catch(describeError);
    assert.match(told, /^read$|metadata\.txt: /, String(length));
    assert.doesNotMatch(told, /internal error/);
  }
  await writeFile(metadata, text.replace('"Frames": 2', '"Frames": 1000000000'));
  await assert.rejects(openFile(metadata), (error) =>
    /found 1000000000; expected 20000/.test(describeError(error)),
  );
});
