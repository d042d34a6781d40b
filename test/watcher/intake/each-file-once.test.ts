import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openFile } from "../../../formats/open.ts";
import type { Finding } from "../../../watcher/intake/finding.ts";
import { checkStructure } from "../../../watcher/intake/structural-check.ts";
import { buildTiff, numberedPages } from "../../formats/build-tiff.ts";
import { type Description, describedSet, imagesInOne } from "../described-set.ts";
import { openingsOf } from "../opened-files.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { clockedScan } from "./clocked-scan.ts";

async function writeAll(folder: string, files: ReturnType<typeof describedSet>): Promise<void> {
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
}

const kinds = (told: readonly Finding[], kind: Finding["kind"]): number =>
  told.filter((finding) => finding.kind === kind).length;

/** Of each file of a set: opened at most twice for its structure, and hashed once. Its last plane is read once. */
const mostOpenings = (files: number) => ({ images: 2 * files + 1, hashes: files });

test("a file of 160 images is opened no more often than a file of one", async () => {
  const folder = await temporaryFolder();
  const openings = async (images: number) => {
    const file = join(folder, `${images}.ome.tif`);
    await writeFile(file, imagesInOne(images));
    return openingsOf(folder, async () => {
      const checked = await checkStructure(file, openFile, {});
      assert.ok("found" in checked && "facts" in checked.found);
      assert.equal(checked.found.facts.voxels.length, images);
    });
  };
  const one = await openings(1);
  assert.ok(one.images > 0, "no opening was counted");
  assert.deepEqual(await openings(160), one);
});

const described: readonly Description[] = ["each", "first", "companion"];
for (const description of described) {
  for (const count of [25, 100]) {
    test(`each file of a set of ${count} is opened twice at most and hashed once (described by: ${description})`, async () => {
      const folder = await temporaryFolder();
      const files = describedSet(count, description);
      await writeAll(folder, files);
      const look = clockedScan(folder);
      let told: Finding[] = [];
      const openings = await openingsOf(folder, async () => {
        told = await look(8);
      });
      assert.deepEqual([kinds(told, "whole"), kinds(told, "part")], [1, files.length - 1]);
      const most = mostOpenings(files.length);
      assert.ok(openings.images >= files.length && openings.images <= most.images, JSON.stringify(openings));
      assert.equal(openings.hashes, most.hashes);
    });
  }
}

for (const description of described) {
  test(`a set that comes file by file is opened no more often than one that lies there (described by: ${description})`, async () => {
    const folder = await temporaryFolder();
    const files = describedSet(25, description);
    const look = clockedScan(folder);
    const told: Finding[] = [];
    const openings = await openingsOf(folder, async () => {
      // The first wait for the last for longer than anything is waited for that is broken and does not change.
      for (const file of files) {
        await writeAll(folder, [file]);
        told.push(...(await look(3)));
      }
      told.push(...(await look(12)));
    });
    assert.deepEqual(
      [kinds(told, "whole"), kinds(told, "part"), kinds(told, "refused")],
      [1, files.length - 1, 0],
    );
    assert.ok(openings.images <= 4 * files.length, JSON.stringify(openings));
    assert.ok(openings.hashes <= 2 * files.length, JSON.stringify(openings));
  });
}

test("the reading of a set, of many pages and of many images tells that it goes on, so that a slow disk is not taken for one that hangs", async () => {
  const folder = await temporaryFolder();
  await writeAll(folder, describedSet(25, "first"));
  await writeFile(join(folder, "pages.tif"), buildTiff(numberedPages(100)));
  await writeFile(join(folder, "images.ome.tif"), imagesInOne(160));
  const steps = async (name: string): Promise<number> => {
    let count = 0;
    const onStep = () => {
      count += 1;
    };
    await checkStructure(join(folder, name), openFile, { onStep });
    return count;
  };
  assert.ok((await steps("S_0000.ome.tif")) >= 25);
  assert.ok((await steps("pages.tif")) >= 100);
  assert.ok((await steps("images.ome.tif")) >= 2 * 160);
});

test("a set of which a file lacks is not read again before that file is there", async () => {
  const folder = await temporaryFolder();
  const [last, ...files] = describedSet(25, "each").toReversed();
  await writeAll(folder, files);
  const look = clockedScan(folder);
  assert.equal(kinds(await look(6), "broken"), 1);
  const { images } = await openingsOf(folder, () => look(20));
  assert.equal(images, 0);
  await writeAll(folder, last === undefined ? [] : [last]);
  assert.equal(kinds(await look(6), "whole"), 1);
});

test("a set of which one file is damaged is read once at each look again, and told as broken until it is refused", async () => {
  const folder = await temporaryFolder();
  const files = describedSet(25, "each");
  const [name = "", bytes = Buffer.alloc(0)] = files[20] ?? [];
  await writeAll(folder, [...files.filter(([other]) => other !== name), [name, bytes.subarray(0, 60)]]);
  const look = clockedScan(folder);
  await look(4);
  // Each look is a second; what is broken is looked at again after 7.5 s.
  const again = await openingsOf(folder, () => look(8));
  assert.ok(again.images > 0 && again.images <= files.length + 2, JSON.stringify(again));
  assert.equal(again.hashes, 0);
  const told = await look(40);
  const refused = told.filter((one) => one.kind === "refused");
  assert.deepEqual(
    refused.map(({ sighting }) => sighting.source),
    [files[0]?.[0]],
  );
  assert.match(refused[0]?.error.message ?? "", new RegExp(name));
  assert.deepEqual(await look(40), []);
  await writeAll(folder, [[name, bytes]]);
  assert.equal(kinds(await look(8), "whole"), 1);
});

test("a set that comes file by file for long is told as broken a few times, and not at each file that comes", async () => {
  const folder = await temporaryFolder();
  const files = describedSet(40, "each");
  const look = clockedScan(folder);
  const told: Finding[] = [];
  for (const file of files) {
    await writeAll(folder, [file]);
    told.push(...(await look(10)));
  }
  assert.deepEqual([kinds(told, "whole"), kinds(told, "refused")], [1, 0]);
  assert.ok(kinds(told, "broken") >= 1 && kinds(told, "broken") <= 6, String(kinds(told, "broken")));
});

test("a set of which one file is replaced is told again as whole, with another hash", async () => {
  for (const description of described) {
    const folder = await temporaryFolder();
    const files = describedSet(5, description);
    await writeAll(folder, files);
    const look = clockedScan(folder);
    const [first] = (await look(8)).filter(({ kind }) => kind === "whole");
    const [name = "", bytes = Buffer.alloc(0)] = files[3] ?? [];
    // One sample of it.
    const changed = Buffer.from(bytes);
    changed.writeUInt16LE(4711, 8);
    await rm(join(folder, name));
    await writeFile(join(folder, name), changed);
    const [again] = (await look(12)).filter(({ kind }) => kind === "whole");
    assert.ok(first?.kind === "whole" && again?.kind === "whole", description);
    assert.equal(again.sighting.source, first.sighting.source);
    assert.notEqual(again.sighting.endsHash, first.sighting.endsHash);
  }
});
