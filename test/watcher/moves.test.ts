import assert from "node:assert/strict";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildTiff, numberedPages } from "../formats/build-tiff.ts";
import { copyingEngine } from "./copying-engine.ts";
import { namesIn } from "./names-in.ts";
import { noOtherDisk, otherDisk } from "./other-disk.ts";
import { repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

const movesTo = (target: string) => ({
  folders: [
    {
      name: "f",
      path: "incoming",
      output: "denoised",
      model: join(repository, "models/identity"),
      after: `move: ${target}`,
    },
  ],
});

for (const where of ["the same disk", "another disk"]) {
  test(`a source that its writer still holds open stays whole, and is moved to ${where} once it is closed`, async (t) => {
    const folder = await temporaryFolder();
    const target = where === "the same disk" ? join(folder, "done") : await otherDisk();
    if (target === undefined) return t.skip(noOtherDisk);
    const { engine } = copyingEngine();
    await mkdir(join(folder, "incoming"));
    const path = join(folder, "incoming", "growing.tif");
    const page = tinyTiff(7);
    const writer = await open(path, "w");
    t.after(() => writer.close().catch(() => undefined));
    await writer.write(page);
    const { lives, said } = await runDaemon(t, folder, engine, movesTo(target));
    await until("its job is done", () => lives("growing.tif").includes("done"));
    const kept = await until(
      "the folder says that it is kept",
      () => said("folder/f/state").at(-1)?.["kept"] as { oldest_reason: string } | undefined,
    );
    assert.match(
      kept.oldest_reason,
      /growing\.tif: the source is open for writing and stays where it is \(found .*\(\d+\)\)/,
    );
    assert.deepEqual(await readFile(path), page);

    // What comes after the job is another revision; all of it must survive.
    await writer.write(page);
    await writer.write(page);
    await writer.close();
    const moved = join(target, "growing.tif");
    const whole = Buffer.concat([page, page, page]);
    assert.deepEqual(await until("it is moved", () => readFile(moved).catch(() => undefined)), whole);
    await until(
      "the watch folder is empty",
      async () => (await namesIn(join(folder, "incoming"))).length === 0,
    );
    await until("nothing is kept", () => said("folder/f/state").at(-1)?.["kept"] === undefined);
    assert.equal(lives("growing.tif").filter((status) => status === "done").length, 2);
  });
}

test("the files of an OME set go to another disk together", async (t) => {
  const folder = await temporaryFolder();
  const target = await otherDisk();
  if (target === undefined) return t.skip(noOtherDisk);
  await mkdir(join(folder, "incoming"));
  // The first file of the set is not the first by name.
  const names = ["b.ome.tif", "a.ome.tif"];
  const blocks = names.map(
    (name, time) =>
      `<TiffData IFD="0" FirstT="${time}"><UUID FileName="${name}">urn:uuid:${time}</UUID></TiffData>`,
  );
  const pixels = `<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="4" SizeY="3" SizeZ="1" SizeC="1" SizeT="2">${blocks.join("")}</Pixels>`;
  for (const [time, name] of names.entries()) {
    const description = `<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:${time}"><Image ID="Image:0">${pixels}</Image></OME>`;
    const pages = numberedPages(1, 4, 3, time + 1).map((page) => ({ ...page, description }));
    await writeFile(join(folder, "incoming", name), buildTiff(pages));
  }
  const { engine, orders } = copyingEngine();
  await runDaemon(t, folder, engine, movesTo(target));
  await until("both have left", async () => (await namesIn(join(folder, "incoming"))).length === 0);
  assert.deepEqual((await namesIn(target)).sort(), ["a.ome.tif", "b.ome.tif"]);
  assert.equal(orders.length, 1);
});

test("a move that was asked for when the daemon was stopped is taken up at the next start", async (t) => {
  const folder = await temporaryFolder();
  const target = join(folder, "done");
  await writeFile(target, "in the way");
  const first = await runDaemon(t, folder, copyingEngine().engine, movesTo(target));
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("it is kept", () => first.said("folder/f/state").at(-1)?.["kept"] !== undefined);
  await first.stop();
  assert.deepEqual(await namesIn(join(folder, "incoming")), ["a.tif"]);

  await rm(target);
  const { engine, orders } = copyingEngine();
  await runDaemon(t, folder, engine, movesTo(target));
  const moved = join(target, "a.tif");
  assert.deepEqual(await until("it is moved", () => readFile(moved).catch(() => undefined)), tinyTiff(1));
  await until("it has left", async () => (await namesIn(join(folder, "incoming"))).length === 0);
  await sleep(50);
  assert.deepEqual(orders, [], "nothing is denoised again");
});
