import assert from "node:assert/strict";
import {
  appendFile,
  chmod,
  lstat,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type SupersedeOrder, supersedeResult } from "../../../watcher/folder-io/supersede-result.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { beforeEachCall } from "./before-each-call.ts";
import { writeResult } from "./written-result.ts";

/** An older and a newer result in a new folder, and what is asked for. */
async function results(remove: boolean) {
  const folder = await temporaryFolder();
  const older = await writeResult(join(folder, "a.denoised.ome.tif"), "1".repeat(16));
  const newer = await writeResult(join(folder, "a.r2.denoised.ome.tif"), "2".repeat(16));
  const order: SupersedeOrder = { older, newer: { ...newer, sourceSha256: "cd34" }, remove };
  const names = async () => (await readdir(folder)).sort();
  return { folder, order, names, supersede: () => supersedeResult(order, {}) };
}

const [old, marker, newest] = [
  "a.denoised.ome.tif",
  "a.denoised.ome.tif.superseded.json",
  "a.r2.denoised.ome.tif",
];

test("a superseded result stays, and a file beside it names the newer one", async () => {
  const { folder, supersede, names } = await results(false);
  assert.deepEqual(await supersede(), { kind: "marked" });
  assert.deepEqual(await names(), [old, marker, newest]);
  assert.deepEqual(JSON.parse(await readFile(join(folder, marker), "utf8")), {
    schema: 1,
    result: old,
    job: "1".repeat(16),
    superseded_by: { result: newest, job: "2".repeat(16), source_sha256: "cd34" },
  });
});

test("where it is to be removed, it goes with the file that says that it is done", async () => {
  const { folder, supersede, names } = await results(true);
  await writeFile(join(folder, `${old}.done.json`), "{}");
  assert.deepEqual(await supersede(), { kind: "removed" });
  assert.deepEqual(await names(), [newest]);
  assert.deepEqual(await supersede(), { kind: "gone" });
});

const changes: readonly [what: string, change: (file: string) => Promise<unknown>][] = [
  ["somebody appended to", (file) => appendFile(file, "x")],
  ["somebody gave other rights", (file) => chmod(file, 0o600)],
  [
    "somebody changed, who set its time back",
    async (file) => {
      const { atime, mtime } = await lstat(file);
      await writeFile(file, await readFile(file));
      await utimes(file, atime, mtime);
    },
  ],
  [
    "another job wrote since",
    async (file) => {
      await rm(file);
      await writeResult(file, "3".repeat(16));
    },
  ],
  [
    "somebody put a link in its place",
    async (file) => {
      await rm(file);
      await symlink(`${file}.elsewhere`, file);
    },
  ],
];
for (const [what, change] of changes) {
  test(`a result that ${what} is kept and marked`, async () => {
    const { folder, supersede, names } = await results(true);
    await change(join(folder, old));
    const end = await supersede();
    assert.equal(end.kind, "marked");
    assert.match(JSON.stringify(end), /kept/);
    assert.deepEqual(await names(), [old, marker, newest]);
  });
}

test("nothing is removed where the newer result is gone, is another one, or where it is not known how the older one looked", async () => {
  const gone = await results(true);
  await rm(join(gone.folder, newest));
  assert.equal((await gone.supersede()).kind, "marked");
  const other = await results(true);
  await rm(join(other.folder, newest));
  await writeResult(join(other.folder, newest), "4".repeat(16));
  assert.equal((await other.supersede()).kind, "marked");
  const { order } = await results(true);
  const unknown = { ...order, older: { ...order.older, look: undefined } };
  assert.equal((await supersedeResult(unknown, {})).kind, "marked");
});

for (const remove of [false, true]) {
  test(`killed before any of its calls, it ends in the same way the next time (${remove ? "remove" : "keep"})`, async () => {
    const wanted = remove ? [newest] : [old, marker, newest];
    let isOver = false;
    for (let killedAt = 1; !isOver; killedAt += 1) {
      const { folder, supersede, names } = await results(remove);
      await writeFile(join(folder, `${newest}.done.json`), "{}");
      let calls = 0;
      const restore = beforeEachCall(({ number }) => {
        calls = number;
        if (number >= killedAt) throw new Error("killed");
      });
      await supersede().catch(() => undefined);
      restore();
      isOver = calls < killedAt;
      await supersede();
      const left = (await names()).filter((name) => !name.startsWith("."));
      assert.deepEqual(left, [...wanted, `${newest}.done.json`], `killed before call ${killedAt}`);
    }
  });
}
