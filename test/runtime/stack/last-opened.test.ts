import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { openFile } from "../../../formats/open.ts";
import { createLastOpened, openSource } from "../../../runtime/stack/last-opened.ts";
import { buildTiff, numberedPages } from "../../formats/build-tiff.ts";
import { describedSet, imagesInOne } from "../../watcher/described-set.ts";

const { signal } = new AbortController();

async function counted(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "cnnt-edge-last-"));
  t.after(() => rm(folder, { recursive: true }));
  let readings = 0;
  const open = createLastOpened((file, options) => {
    readings += 1;
    return openFile(file, options);
  });
  const firstSample = async (file: string, series = 0, t0 = 0): Promise<number | undefined> => {
    const source = await open({ input: file, series }, signal);
    try {
      return (await source.readPlane({ t: t0, c: 0, z: 0 }))[0];
    } finally {
      await source.close();
    }
  };
  return { folder, firstSample, readings: () => readings };
}

test("the 160 images of a file are opened one after the other with two readings of its structure", async (t) => {
  const { folder, firstSample, readings } = await counted(t);
  const file = join(folder, "a.ome.tif");
  await writeFile(file, imagesInOne(160));
  for (let series = 0; series < 160; series += 1) assert.equal(await firstSample(file, series), series + 1);
  assert.equal(readings(), 2);
  await assert.rejects(firstSample(file, 160), (error) => isEdgeError(error, "series-number"));
});

test("one file of a set that was noted as one acquisition is not read in its place", async (t) => {
  const { folder } = await counted(t);
  const input = join(folder, "a_T1.tif");
  for (const name of ["a_T1.tif", "a_T2.tif"])
    await writeFile(join(folder, name), buildTiff(numberedPages(1)));
  const pattern = { template: "{name}_T{t}.tif" };
  for (const open of [createLastOpened(), openSource]) {
    const whole = await open({ input, pattern, isSet: true }, signal);
    await whole.close();
    assert.equal(whole.acquisition.sizes.t, 2);
    // As where the pattern was taken out of the configuration while its job waited.
    await assert.rejects(open({ input, isSet: true }, signal), (error) => isEdgeError(error, "set-no-more"));
  }
});

test("a file that was opened before and has other content since, or of which a file of its set has, is read again", async (t) => {
  const { folder, firstSample, readings } = await counted(t);
  const files = describedSet(3, "first");
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
  const [first, second] = files.map(([name]) => join(folder, name));
  for (let time = 0; time < 3; time += 1) assert.equal(await firstSample(first ?? "", 0, 1), 2);
  assert.equal(readings(), 2);
  const bytes = Buffer.from(files[1]?.[1] ?? []);
  bytes.writeUInt16LE(4711, 8);
  await new Promise((resolve) => setTimeout(resolve, 30));
  await writeFile(second ?? "", bytes);
  assert.equal(await firstSample(first ?? "", 0, 1), 4711);
  assert.equal(readings(), 3);
});
