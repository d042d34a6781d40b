import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isEdgeError } from "../../core/errors.ts";
import { filesOf } from "../../formats/files-of.ts";

const scratch = mkdtempSync(join(tmpdir(), "files-of-"));
after(() => rmSync(scratch, { recursive: true }));

test("a folder stands for its visible files, in the order in which people count", async () => {
  const folder = join(scratch, "scans");
  mkdirSync(join(folder, "deeper"), { recursive: true });
  for (const name of ["scan10.tif", "scan2.tif", ".hidden.tif"]) writeFileSync(join(folder, name), "");
  symlinkSync("scan2.tif", join(folder, "scan3.tif"));
  const inOrder = ["scan2.tif", "scan3.tif", "scan10.tif"].map((name) => join(folder, name));
  assert.deepEqual(await filesOf(folder), inOrder);
});

test("files beside images that are not named like one are left out, and their number is told", async () => {
  const folder = join(scratch, "with-metadata");
  mkdirSync(folder);
  for (const name of ["a.tif", "B.TIFF", "c.npy", "d.denoised.ome.tif", "acquisition.json"]) {
    writeFileSync(join(folder, name), "");
  }
  const told: string[] = [];
  const named = (names: string[]) => names.map((name) => join(folder, name));
  const tell = (sentence: string) => void told.push(sentence);
  assert.deepEqual(await filesOf(folder, tell), named(["a.tif", "B.TIFF", "c.npy", "d.denoised.ome.tif"]));
  for (const name of ["Thumbs.db", "notes.txt", "a.xml", "b.xml"]) writeFileSync(join(folder, name), "");
  await filesOf(folder, tell);
  assert.deepEqual(told, [
    `${folder}: 1 file is left out, because it is not named like an image: acquisition.json`,
    `${folder}: 5 files are left out, because they are not named like images: a.xml, acquisition.json, b.xml and 2 more`,
  ]);
});

test("a folder of other files only is refused with their names", async () => {
  const folder = join(scratch, "only-metadata");
  mkdirSync(folder);
  writeFileSync(join(folder, "acquisition.json"), "{}");
  await assert.rejects(
    filesOf(folder),
    (error) => isEdgeError(error, "input-folder-empty") && error.found === "acquisition.json",
  );
});

test("a file stands for itself, whatever its name", async () => {
  const file = join(scratch, ".a file");
  writeFileSync(file, "");
  assert.deepEqual(await filesOf(file), [file]);
});

test("what is missing, cannot be reached or holds no file is refused by its own name", async () => {
  const loop = join(scratch, "loop");
  symlinkSync(loop, loop);
  const empty = join(scratch, "empty");
  mkdirSync(empty);
  for (const [path, code] of [
    [join(scratch, "nothing"), "input-missing"],
    [loop, "input-unreachable"],
    [empty, "input-folder-empty"],
  ] as const) {
    await assert.rejects(filesOf(path), (error) => isEdgeError(error, code) && error.file === path);
  }
});
