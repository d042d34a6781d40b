import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { claimPartial, forgetPartial, removeStalePartials } from "../../../formats/file/partial-name.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cnnt-partial-"));
});
after(() => rm(folder, { recursive: true }));

test("a partial lies beside its target, hidden, and names it", () => {
  const path = claimPartial(join(folder, "embryo.ome.tif"));
  forgetPartial(path);
  assert.equal(dirname(path), folder);
  assert.match(basename(path), /^\.cnnt-edge-.*-embryo\.ome\.tif\.partial$/);
});

test("a partial's name fits every file system, also eCryptfs with 143 bytes, and cuts no character", () => {
  const path = claimPartial(join(folder, `${"🔬".repeat(60)}.ome.tif`));
  forgetPartial(path);
  assert.ok(Buffer.byteLength(basename(path)) <= 143);
  assert.equal(Buffer.from(path).toString(), path, "no half characters");
});

test("what a dead process left is removed, and nothing else", async () => {
  const live = claimPartial(join(folder, "live.ome.tif"));
  const abandoned = claimPartial(join(folder, "abandoned.ome.tif"));
  forgetPartial(abandoned);
  // The pid of a child that has ended belongs to nobody (as far as a test may hope).
  const dead = basename(abandoned).replace(
    `-${process.pid}-`,
    `-${spawnSync(process.execPath, ["-e", ""]).pid}-`,
  );
  const otherHost = basename(abandoned).replace(/edge-[0-9a-f]{8}-/, "edge-00000000-");
  const oldOtherHost = otherHost.replace("abandoned", "old");
  const foreign = [".cnnt-edge-notes.partial", "embryo.ome.tif", ".hidden.partial"];
  for (const name of [basename(live), basename(abandoned), dead, otherHost, oldOtherHost, ...foreign]) {
    await writeFile(join(folder, name), "x");
  }
  const longAgo = new Date(Date.now() - 8 * 24 * 3600 * 1000);
  await utimes(join(folder, oldOtherHost), longAgo, longAgo);

  const removed = await removeStalePartials(folder);

  assert.deepEqual(removed.sort(), [basename(abandoned), dead, oldOtherHost].sort());
  assert.deepEqual((await readdir(folder)).sort(), [basename(live), otherHost, ...foreign].sort());
  forgetPartial(live);
});

test("a folder that is not there has nothing to remove", async () => {
  assert.deepEqual(await removeStalePartials(join(folder, "missing")), []);
});
