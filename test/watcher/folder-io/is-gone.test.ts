import assert from "node:assert/strict";
import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isGone } from "../../../watcher/folder-io/is-gone.ts";
import { temporaryFolder } from "../temporary-folder.ts";

test("nothing lies under a free name, under one below a file, or under one that is too long; a link to nowhere does lie there", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "a");
  await writeFile(file, "");
  await symlink("nowhere", join(folder, "link"));
  const gone = [join(folder, "b"), join(file, "b"), join(folder, "c".repeat(300))];
  assert.deepEqual(await Promise.all(gone.map(isGone)), [true, true, true]);
  assert.deepEqual(await Promise.all([file, join(folder, "link")].map(isGone)), [false, false]);
});
