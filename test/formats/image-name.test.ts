import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  acquisitionEndings,
  imageEndings,
  imageStem,
  isCompanion,
  isForeignText,
  isImageName,
} from "../../formats/image-name.ts";
import { repository } from "../watcher/running-daemon.ts";

const page = (name: string): string => readFileSync(join(repository, "docs", name), "utf8");

test("the stem loses .ome with the ending, and nothing else", () => {
  assert.equal(imageStem("a/b.c/cells.OME.TIF"), "a/b.c/cells");
  assert.equal(imageStem("a.tif.tif"), "a.tif");
  assert.equal(imageStem("set.companion.ome"), "set");
  assert.equal(imageStem("notes.atif"), "notes.atif");
});

test("Micro-Manager's text is called as its folder, and is no image without planes beside it", () => {
  assert.equal(imageStem("exp/Pos0/metadata.txt"), "exp/Pos0");
  assert.equal(imageStem("metadata.txt"), "metadata");
  assert.equal(imageStem("exp/plate.ome.zarr/A/1/0"), "exp/plate.A.1.0");
  assert.equal(imageStem("exp/plate.ZARR/A/1/0/"), "exp/plate.A.1.0");
  assert.ok(isCompanion("exp/Pos0/metadata.txt") && !isCompanion("exp/notes_metadata.txt"));
  assert.ok(isForeignText("metadata.txt", ["metadata.txt", "a.tif"]));
  assert.ok(!isForeignText("metadata.txt", ["img_channel000_position000_time000000000_z000.tif"]));
});

test("every image's name has a stem without its ending, with .ome before it and without", () => {
  for (const ending of imageEndings) {
    assert.ok(isImageName(`a${ending}`) && isImageName(`a${ending.toUpperCase()}`), ending);
    assert.equal(imageStem(`a${ending}`), "a");
    if (!ending.endsWith(".ome")) assert.equal(imageStem(`a.ome${ending}`), "a");
  }
  assert.ok(!isImageName(".a.tif") && !isImageName("tif"));
});

test("the pages list the endings that are taken", () => {
  assert.ok(page("configuration.md").includes(`| \`${acquisitionEndings.join(" ")}\`, capitals or not |`));
  assert.ok(page("calibration.md").includes(`(${imageEndings.map((one) => `\`${one}\``).join(", ")})`));
});
