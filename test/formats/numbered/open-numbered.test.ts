import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { describeError } from "../../../core/errors.ts";
import { openAcquisition, openFile } from "../../../formats/open.ts";
import { planesIn } from "../../../formats/plane/plane-source.ts";
import { temporaryFolder } from "../../watcher/temporary-folder.ts";
import { buildTiff, numberedPages } from "../build-tiff.ts";

const pattern = { template: "{name}_T{t}_C{c}.tif" };

/** `planes` pages of 4 x 3 uint16 each; other samples in each file. */
async function writeNumbered(folder: string, names: readonly string[], planes = 1, description?: string) {
  for (const [index, name] of names.entries()) {
    const pages = numberedPages(planes, 4, 3, 100 * (index + 1));
    const described = pages.map((page, i) =>
      i === 0 && description !== undefined ? { ...page, description } : page,
    );
    await writeFile(join(folder, name), buildTiff(described));
  }
}

const grid = ["a_T1_C1.tif", "a_T1_C2.tif", "a_T2_C1.tif", "a_T2_C2.tif", "a_T10_C1.tif", "a_T10_C2.tif"];
const twoTimes = grid.slice(0, 4);

async function refusalOf(opened: Promise<unknown>): Promise<string> {
  return opened.then(
    () => "not refused",
    (error: unknown) => describeError(error),
  );
}

test("numbered files are one image, whichever of them is opened, and each plane is that of its file", async () => {
  const folder = await temporaryFolder();
  await writeNumbered(folder, twoTimes, 3);
  await writeNumbered(folder, ["b_T1_C1.tif", "notes.tif"]);
  for (const name of twoTimes) {
    const source = await openAcquisition(join(folder, name), { pattern });
    const { sizes, members, file } = source.acquisition;
    assert.deepEqual(sizes, { t: 2, c: 2, z: 3, y: 3, x: 4 });
    assert.deepEqual(
      members,
      twoTimes.map((one) => join(folder, one)),
    );
    assert.equal(file, members[0]);
    for (const index of planesIn(sizes)) {
      const alone = await openAcquisition(join(folder, twoTimes[2 * index.t + index.c] ?? ""));
      assert.deepEqual(await source.readPlane(index), await alone.readPlane({ t: 0, c: 0, z: index.z }));
      await alone.close();
    }
    await source.close();
  }
});

test("a file that the pattern does not fit is read as what it is", async () => {
  const folder = await temporaryFolder();
  await writeNumbered(folder, ["notes.tif"], 2);
  const { acquisition, close } = await openAcquisition(join(folder, "notes.tif"), { pattern });
  await close();
  assert.equal(acquisition.sizes.z, 2);
});

test("a hole among the numbers is refused by name, and so are files of two shapes and a damaged one", async () => {
  const folder = await temporaryFolder();
  await writeNumbered(folder, grid);
  const first = join(folder, "a_T1_C1.tif");
  assert.match(await refusalOf(openFile(first, { pattern })), /no "a_T3_C1.tif".*11 more/);
  const other = await temporaryFolder();
  await writeNumbered(other, twoTimes);
  await writeNumbered(other, ["a_T2_C2.tif"], 2);
  assert.match(
    await refusalOf(openFile(join(other, "a_T1_C1.tif"), { pattern })),
    /a_T2_C2.tif: the files of the acquisition hold different numbers of planes/,
  );
  await writeFile(join(other, "a_T2_C2.tif"), "II*");
  assert.match(await refusalOf(openFile(join(other, "a_T1_C1.tif"), { pattern })), /a_T2_C2.tif: /);
});

test("of files of several sizes the one that is unlike most is named, whichever was opened, and what to do with it", async () => {
  const folder = await temporaryFolder();
  const write = (name: string, rows: number) =>
    writeFile(join(folder, name), buildTiff(numberedPages(1, 4, rows, 100)));
  for (const name of twoTimes) await write(name, 6);
  for (const odd of ["a_T1_C1.tif", "a_T2_C1.tif"]) {
    await write(odd, 3);
    for (const opened of [odd, "a_T1_C2.tif"]) {
      const refusal = await refusalOf(openAcquisition(join(folder, opened), { pattern }));
      assert.match(refusal, new RegExp(`^[^:]*/${odd}: its planes are not of the size and type `));
      assert.match(refusal, /\(page 0; found 4 x 3 uint16; expected 4 x 6 uint16, as in "a_T1_C\d\.tif"\)/);
      assert.match(refusal, /Bring this file again with planes of that size and type, or move it to /);
    }
    await write(odd, 6);
  }
});

test("of two files of two sizes both are named", async () => {
  const folder = await temporaryFolder();
  const pair = twoTimes.slice(0, 2);
  for (const [index, name] of pair.entries())
    await writeFile(join(folder, name), buildTiff(numberedPages(1, 4, 6 - 3 * index, 100)));
  const refusal = await refusalOf(openAcquisition(join(folder, "a_T1_C1.tif"), { pattern }));
  assert.match(refusal, /a_T1_C2\.tif: .*found 4 x 3 uint16; expected 4 x 6 uint16, as in "a_T1_C1\.tif"/);
});

test("files that count an axis themselves are refused where the pattern counts it too", async () => {
  const folder = await temporaryFolder();
  await writeNumbered(folder, ["a_z1.tif", "a_z2.tif"], 3);
  assert.match(
    await refusalOf(openFile(join(folder, "a_z1.tif"), { pattern: { template: "{name}_z{z}.tif" } })),
    /count the same axis \(found 3 planes in the file and 2 files, both as Z\)/,
  );
});

test("pixel size, z step and time step come from the files' own metadata", async () => {
  const folder = await temporaryFolder();
  const description = "ImageJ=1.54\nimages=2\nslices=2\nunit=micron\nspacing=0.5\nfinterval=7\n";
  await writeNumbered(folder, ["a_c0.tif", "a_c1.tif"], 2, description);
  const { acquisition, close } = await openAcquisition(join(folder, "a_c1.tif"), {
    pattern: { template: "{name}_c{c}.tif" },
  });
  await close();
  assert.equal(acquisition.pixelSize.z?.um, 0.5);
  assert.equal(acquisition.timeIncrement?.s, 7);
  assert.equal(acquisition.name, "a");
  assert.deepEqual(acquisition.sizes, { t: 1, c: 2, z: 2, y: 3, x: 4 });
  assert.ok(acquisition.notes.includes("one acquisition of 2 files, by the pattern {name}_c{c}.tif"));
});

test("only the files that are named make the acquisition, where they are named", async () => {
  const folder = await temporaryFolder();
  await writeNumbered(folder, twoTimes);
  const files = twoTimes.slice(0, 2).map((name) => join(folder, name));
  const { acquisition, close } = await openAcquisition(files[0] ?? "", { pattern: { ...pattern, files } });
  await close();
  assert.deepEqual(acquisition.members, files);
});
