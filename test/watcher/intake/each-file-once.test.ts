import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openFile } from "../../../formats/open.ts";
import { checkWhole } from "../../../watcher/intake/structural-check.ts";
import { imagesInOne } from "../described-set.ts";
import { openingsOf } from "../opened-files.ts";
import { temporaryFolder } from "../temporary-folder.ts";

test("a file of 160 images is opened no more often than a file of one", async () => {
  const folder = await temporaryFolder();
  const openings = async (images: number) => {
    const file = join(folder, `${images}.ome.tif`);
    await writeFile(file, imagesInOne(images));
    return openingsOf(folder, async () => {
      assert.equal((await checkWhole(file, openFile)).seriesCount, images);
    });
  };
  const one = await openings(1);
  assert.ok(one.images > 0, "no opening was counted");
  assert.deepEqual(await openings(160), one);
});
