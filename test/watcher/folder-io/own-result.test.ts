import assert from "node:assert/strict";
import { appendFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { expireResult } from "../../../watcher/folder-io/own-result.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { beforeEachCall } from "./before-each-call.ts";
import { writeResult } from "./written-result.ts";

/** A result with what lies beside it, and another file. */
async function result() {
  const folder = await temporaryFolder();
  const output = join(folder, "a.denoised.ome.tif");
  const own = await writeResult(output, "1".repeat(16));
  for (const name of ["a.denoised.ome.tif.done.json", "a.denoised.ome.tif.superseded.json", "b.tif"])
    await writeFile(join(folder, name), "{}");
  return { own, output, names: async () => (await readdir(folder)).sort() };
}

test("a result whose time is over goes with what was said beside it, and nothing else goes", async () => {
  const { own, names } = await result();
  assert.deepEqual(await expireResult(own), { kind: "removed" });
  assert.deepEqual(await names(), ["b.tif"]);
  assert.deepEqual(await expireResult(own), { kind: "gone" });
});

test("a result that somebody has changed, or of which it is not known, stays with all that lies beside it", async () => {
  const changed = await result();
  await appendFile(changed.output, "x");
  const before = await changed.names();
  assert.equal((await expireResult(changed.own)).kind, "kept");
  assert.deepEqual(await changed.names(), before);
  const unknown = await result();
  assert.equal((await expireResult({ ...unknown.own, look: undefined })).kind, "kept");
  assert.deepEqual(await unknown.names(), before);
});

test("killed before any of its calls, it ends in the same way the next time", async () => {
  let isOver = false;
  for (let killedAt = 1; !isOver; killedAt += 1) {
    const { own, names } = await result();
    let calls = 0;
    const restore = beforeEachCall(({ number }) => {
      calls = number;
      if (number >= killedAt) throw new Error("killed");
    });
    await expireResult(own).catch(() => undefined);
    restore();
    isOver = calls < killedAt;
    await expireResult(own);
    assert.deepEqual(await names(), ["b.tif"], `killed before call ${killedAt}`);
  }
});
