import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { link, mkdir, open, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { followWriters } from "../../../watcher/folder-io/follow-writers.ts";
import { openKernelEvents } from "../../../watcher/folder-io/kernel-events.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { until } from "../until.ts";

/** Follows a new folder, and says how the writing of a file in it ended. */
async function followed(change: Partial<Parameters<typeof followWriters>[0]> = {}) {
  const folder = await temporaryFolder();
  const settings = { subfolders: true, excluded: [join(folder, "out")], onStep: () => {}, onEnd: () => {} };
  const writers = followWriters({ folder, ...settings, ...change });
  writers.follow(true);
  writers.ends.follow(folder);
  const endOf = async (source: string) => (await writers.ends.ended([source])).get(source);
  return { folder, writers, endOf };
}

test("a file that is copied in has ended, and one that its writer holds open has not", async () => {
  const { folder, endOf } = await followed();
  const original = join(await temporaryFolder(), "b.tif");
  await writeFile(original, "b");
  execFileSync("cp", [original, join(folder, "b.tif")]);
  const writer = await open(join(folder, "a.tif"), "w");
  await writer.write("a");
  assert.equal(await endOf("b.tif"), "closed");
  assert.equal(await endOf("a.tif"), undefined);
  await writer.close();
  assert.equal(await endOf("a.tif"), "closed");
});

test("a file that is moved in has ended; one that was there before anybody followed it is not known to have", async () => {
  const { folder, writers, endOf } = await followed();
  await mkdir(join(folder, "sub"));
  await writeFile(join(folder, "sub", "old.tif"), "old");
  writers.ends.follow(join(folder, "sub"));
  const original = join(await temporaryFolder(), "a.tif");
  await writeFile(original, "a");
  await rename(original, join(folder, "a.tif"));
  assert.equal(await endOf("a.tif"), "renamed");
  assert.equal(await endOf("sub/old.tif"), undefined);
});

test("a file that was opened before it was followed, and is open still, is found among the open files", async () => {
  const { folder, writers, endOf } = await followed();
  await mkdir(join(folder, "sub"));
  const [one, other] = await Promise.all(["a", "a"].map((flag) => open(join(folder, "sub/a.tif"), flag)));
  writers.ends.follow(join(folder, "sub"));
  await one?.write("one");
  await one?.close();
  assert.equal(await endOf("sub/a.tif"), undefined);
  await other?.close();
  assert.equal(await endOf("sub/a.tif"), "closed");
});

test("a new subfolder is followed from the moment that the kernel tells of it, but none for results", async () => {
  const { folder, writers, endOf } = await followed();
  for (const name of ["day", "out", ".hidden"]) await mkdir(join(folder, name));
  writers.takeIn();
  for (const name of ["day", "out", ".hidden"]) await writeFile(join(folder, name, "a.tif"), "a");
  assert.equal(await endOf("day/a.tif"), "closed");
  assert.equal(await endOf("out/a.tif"), undefined);
  assert.equal(await endOf(".hidden/a.tif"), undefined);
});

test("a folder that is renamed is followed under its new name", async () => {
  const { folder, writers, endOf } = await followed();
  await mkdir(join(folder, "one"));
  writers.takeIn();
  await rename(join(folder, "one"), join(folder, "two"));
  writers.takeIn();
  writers.ends.follow(join(folder, "two"));
  await writeFile(join(folder, "two", "a.tif"), "a");
  assert.equal(await endOf("two/a.tif"), "closed");
  assert.equal(await endOf("one/a.tif"), undefined);
});

test("a link, and a file that has another name too, may be written where nobody looks", async () => {
  const { folder, endOf } = await followed();
  const elsewhere = await temporaryFolder();
  await writeFile(join(elsewhere, "a.tif"), "a");
  await symlink(join(elsewhere, "a.tif"), join(elsewhere, "link"));
  await rename(join(elsewhere, "link"), join(folder, "link.tif"));
  await link(join(elsewhere, "a.tif"), join(elsewhere, "b.tif"));
  await rename(join(elsewhere, "b.tif"), join(folder, "b.tif"));
  assert.equal(await endOf("link.tif"), undefined);
  assert.equal(await endOf("b.tif"), undefined);
});

test("in a folder that is not local nothing is known", async () => {
  const { folder, writers, endOf } = await followed();
  writers.follow(false);
  await writeFile(join(folder, "a.tif"), "a");
  assert.equal(await endOf("a.tif"), undefined);
});

test("where the kernel does not tell, as on another system, nothing is known", async () => {
  const { folder, endOf } = await followed({ open: () => undefined });
  await writeFile(join(folder, "a.tif"), "a");
  assert.equal(await endOf("a.tif"), undefined);
});

test("while files wait, the end of one is told; the kernel is not asked while none waits", async (t) => {
  let reads = 0;
  let ends = 0;
  const { folder, writers } = await followed({
    onEnd: () => (ends += 1),
    open: () => {
      const events = openKernelEvents();
      const read = () => {
        reads += 1;
        return events?.read() ?? [];
      };
      return events && { ...events, read };
    },
  });
  t.after(() => writers.askWhile(false));
  writers.askWhile(true);
  await writeFile(join(folder, "a.tif"), "a");
  await until("the end is told", () => ends === 1);
  writers.askWhile(false);
  const readsBefore = reads;
  await writeFile(join(folder, "b.tif"), "b");
  await sleep(300);
  assert.deepEqual([reads, ends], [readsBefore, 1]);
});
