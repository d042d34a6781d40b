import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { appendFileSync, closeSync, openSync } from "node:fs";
import { link, mkdir, open, readdir, readFile, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { withoutDiskName } from "../../../watcher/folder-io/mounted-disk.ts";
import { moveSource } from "../../../watcher/folder-io/move-source.ts";
import { findOpenWriters } from "../../../watcher/folder-io/open-writers.ts";
import { putBack, removeAside, restoreAside, setAside } from "../../../watcher/folder-io/set-aside.ts";
import { noOtherDisk, otherDisk } from "../other-disk.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { all, killed, sha256, sources as sourcesOf } from "./move-orders.ts";

const nothing = (): void => undefined;
/** Larger than the pieces that are copied at a time. */
const raw = randomBytes(9 * 1024 * 1024);
const sources = (target: string, files: Readonly<Record<string, Buffer>> = { "a.tif": raw }) =>
  sourcesOf(target, files);

const refused = (code: string) => (error: unknown) => isEdgeError(error, code);

test("a file in place of the folder that sources are moved to, or of one below it, is told with what to do", async () => {
  const target = join(await temporaryFolder(), "done");
  await writeFile(target, "");
  const told = (file: string) => (error: unknown) =>
    isEdgeError(error, "move-folder-taken") &&
    error.file === file &&
    /^Move the file away/.test(error.remedy ?? "");
  const order = await sources(target, { "day/a.tif": raw });
  await assert.rejects(moveSource(order, nothing), told(target));
  await unlink(target);
  await mkdir(target);
  await writeFile(join(target, "day"), "");
  await assert.rejects(moveSource(order, nothing), told(join(target, "day")));
  await unlink(join(target, "day"));
  assert.equal((await moveSource(order, nothing)).kind, "moved");
});

for (const where of ["within a disk", "across disks"]) {
  const targetOf = async () => (where === "across disks" ? otherDisk() : temporaryFolder());

  test(`${where}: a source goes whole, with its time of change, and leaves nothing behind`, async (t) => {
    const target = await targetOf();
    if (target === undefined) return t.skip(noOtherDisk);
    const order = await sources(target, { "day/a.tif": raw });
    const end = await moveSource(order, nothing);
    assert.equal(end.kind === "moved" && end.target, join(target, "day/a.tif"));
    assert.deepEqual(await readFile(join(target, "day/a.tif")), raw);
    assert.ok(Math.abs((await stat(join(target, "day/a.tif"))).mtimeMs - order.denoised.mtimeMs) < 1);
    assert.deepEqual([await all(order.folder), await all(target)], [["day"], ["day", "day/a.tif"]]);
    assert.deepEqual(await moveSource(order, nothing), { kind: "gone" });
  });

  test(`${where}: a source that is open for writing stays, one that is only read goes`, async (t) => {
    const target = await targetOf();
    if (target === undefined) return t.skip(noOtherDisk);
    const order = await sources(target);
    const writer = await open(join(order.folder, "a.tif"), "r+");
    await assert.rejects(moveSource(order, nothing), refused("move-open"));
    await writer.close();
    const reader = await open(join(order.folder, "a.tif"), "r");
    assert.equal((await moveSource(order, nothing)).kind, "moved");
    await reader.close();
    assert.deepEqual(await all(target), ["a.tif"]);
  });

  test(`${where}: a set of which one name is taken goes into a folder with a number, and its files keep their names`, async (t) => {
    const target = await targetOf();
    if (target === undefined) return t.skip(noOtherDisk);
    const order = await sources(target, {
      "day/dish.nd": Buffer.from("nd"),
      "day/dish_t1.tif": raw,
      "day/more/dish_t2.tif": raw,
    });
    await mkdir(join(target, "day"));
    await writeFile(join(target, "day/dish_t1.tif"), "another");
    const end = await moveSource(order, nothing);
    assert.equal(end.kind === "moved" && end.target, join(target, "day/dish-2/dish.nd"));
    const moved = (await all(target)).filter((name) => name.includes("."));
    assert.deepEqual(moved, [
      "day/dish-2/dish.nd",
      "day/dish-2/dish_t1.tif",
      "day/dish-2/more/dish_t2.tif",
      "day/dish_t1.tif",
    ]);
  });

  test(`${where}: what lies under its name is left alone`, async (t) => {
    const target = await targetOf();
    if (target === undefined) return t.skip(noOtherDisk);
    const order = await sources(target);
    // Of the same size: the bytes have to be compared.
    await writeFile(join(target, "a.tif"), Buffer.alloc(raw.length));
    const end = await moveSource(order, nothing);
    assert.equal(end.kind === "moved" && end.target, join(target, "a-2.tif"));
    assert.deepEqual(await readFile(join(target, "a.tif")), Buffer.alloc(raw.length));
    assert.deepEqual(await readFile(join(target, "a-2.tif")), raw);
  });

  test(`${where}: a set goes together or not at all`, async (t) => {
    const target = await targetOf();
    if (target === undefined) return t.skip(noOtherDisk);
    const order = await sources(target, { "a.tif": raw, "b.tif": Buffer.from("b") });
    const writer = await open(join(order.folder, "b.tif"), "r+");
    await assert.rejects(moveSource(order, nothing), refused("move-open"));
    await writer.close();
    assert.deepEqual(await all(order.folder), ["a.tif", "b.tif"]);
    await moveSource(order, nothing);
    assert.deepEqual([await all(order.folder), await all(target)], [[], ["a.tif", "b.tif"]]);
  });

  test(`${where}: the rest of a set follows what a killed move had brought away already`, async (t) => {
    const target = await targetOf();
    if (target === undefined) return t.skip(noOtherDisk);
    const order = await sources(target, { "a.tif": raw, "b.tif": Buffer.from("b") });
    await moveSource(
      {
        ...order,
        members: ["a.tif"],
        denoised: {
          ...order.denoised,
          sizeBytes: raw.length,
          mtimeMs: (await stat(join(order.folder, "a.tif"))).mtimeMs,
        },
      },
      nothing,
    );
    assert.equal((await moveSource(order, nothing)).kind, "moved");
    assert.deepEqual([await all(order.folder), await all(target)], [[], ["a.tif", "b.tif"]]);
  });

  test(`${where}: a set of which a file is gone stays`, async (t) => {
    const target = await targetOf();
    if (target === undefined) return t.skip(noOtherDisk);
    const order = await sources(target, { "b.tif": Buffer.from("b") });
    await assert.rejects(
      moveSource({ ...order, members: ["a.tif", "b.tif"] }, nothing),
      refused("move-incomplete"),
    );
    assert.deepEqual([await all(order.folder), await all(target)], [["b.tif"], []]);
  });
}

test("bytes that are appended while it is copied are not lost, whenever they come", async (t) => {
  const target = await otherDisk();
  if (target === undefined) return t.skip(noOtherDisk);
  for (let step = 1; ; step += 1) {
    const order = await sources(target);
    const path = join(order.folder, "a.tif");
    let steps = 0;
    await moveSource(order, () => {
      steps += 1;
      if (steps === step) appendFileSync(path, "more");
    }).catch((error: unknown) => assert.ok(isEdgeError(error), String(error)));
    if (steps < step) {
      assert.ok(step > 5, "the copy has steps");
      break;
    }
    assert.deepEqual(await readFile(path), Buffer.concat([raw, Buffer.from("more")]), `after step ${step}`);
    assert.deepEqual((await readdir(order.folder)).length, 1);
    assert.deepEqual(
      (await readdir(target)).filter((name) => name.startsWith(".")),
      [],
    );
  }
});

test("a writer that opens the source while it is copied keeps it there", async (t) => {
  const target = await otherDisk();
  if (target === undefined) return t.skip(noOtherDisk);
  const order = await sources(target);
  let writer: number | undefined;
  await assert.rejects(
    moveSource(order, () => {
      writer ??= openSync(join(order.folder, "a.tif"), "a");
    }),
    refused("move-open"),
  );
  closeSync(writer ?? -1);
  assert.deepEqual(await all(order.folder), ["a.tif"]);
  assert.equal((await moveSource(order, nothing)).kind, "moved");
});

test("bytes that are not those that were denoised stay, although size and time are the same", async (t) => {
  const target = await otherDisk();
  if (target === undefined) return t.skip(noOtherDisk);
  const order = { ...(await sources(target)), sha256: { "a.tif": sha256(Buffer.from("other")) } };
  await assert.rejects(moveSource(order, nothing), refused("move-differs"));
  assert.deepEqual([await all(order.folder), await all(target)], [["a.tif"], []]);
});

test("a move that is killed at any step is finished by the next, with one copy and nothing hidden", async (t) => {
  const target = await otherDisk();
  if (target === undefined) return t.skip(noOtherDisk);
  for (const steps of [1, 3, 5]) {
    const order = await sources(join(target, String(steps)));
    killed({ order, steps });
    assert.deepEqual(await readFile(join(order.folder, "a.tif")), raw);
    assert.equal((await moveSource(order, nothing)).kind, "moved");
    assert.deepEqual([await all(order.folder), await all(order.target)], [[], ["a.tif"]]);
    assert.deepEqual(await readFile(join(order.target, "a.tif")), raw);
  }
});

test("a move that was killed when the copy had its name already makes no second copy", async (t) => {
  const target = await otherDisk();
  if (target === undefined) return t.skip(noOtherDisk);
  const order = await sources(target);
  await writeFile(join(target, "a.tif"), raw);
  await moveSource(order, nothing);
  assert.deepEqual([await all(order.folder), await all(target)], [[], ["a.tif"]]);
});

test("a rename that was killed halfway is finished", async () => {
  const order = await sources(await temporaryFolder());
  await link(join(order.folder, "a.tif"), join(order.target, "a.tif"));
  await moveSource(order, nothing);
  assert.deepEqual([await all(order.folder), await all(order.target)], [[], ["a.tif"]]);
});

test("what was set aside when the process was killed gets its name back, also beside a new file of that name", async () => {
  const { folder } = await sources("", { "a.tif": raw, "b.tif": Buffer.from("b") });
  killed({ aside: join(folder, "a.tif") });
  killed({ aside: join(folder, "b.tif") });
  await writeFile(join(folder, "b.tif"), "new");
  const hidden = await readdir(folder).then((names) => names.filter((name) => name.startsWith(".")));
  assert.equal(hidden.length, 2);
  for (const name of hidden) await restoreAside(join(folder, name));
  assert.deepEqual(await all(folder), ["a.tif", "b-2.tif", "b.tif"]);
  assert.deepEqual(await readFile(join(folder, "a.tif")), raw);
  assert.equal(await readFile(join(folder, "b-2.tif"), "utf8"), "b");
});

test("a writer is still seen when the source was set aside, and what is in use is not put back", async () => {
  const { folder } = await sources("", { "a.tif": Buffer.from("a") });
  const writer = await open(join(folder, "a.tif"), "a");
  const aside = await setAside(join(folder, "a.tif"));
  const facts = await stat(aside, { bigint: true });
  assert.match(findOpenWriters([facts]).writers.join(), new RegExp(`\\(${process.pid}\\)`));
  assert.deepEqual(await restoreAside(dirname(aside)), []);
  await writer.close();
  assert.deepEqual(findOpenWriters([facts]).writers, []);
  await removeAside(aside);
  assert.deepEqual(await readdir(folder), []);
});

test("a writer is seen in shared memory too, although it lies below /dev", async (t) => {
  const folder = await otherDisk();
  if (folder === undefined) return t.skip(noOtherDisk);
  const writer = await open(join(folder, "a.tif"), "w");
  const facts = await writer.stat({ bigint: true });
  assert.match(findOpenWriters([facts]).writers.join(), new RegExp(`\\(${process.pid}\\)`));
  await writer.close();
});

test("where there is no /proc, nothing is known of open files", () => {
  const { writers, unseen } = findOpenWriters([], "/nowhere");
  assert.deepEqual([writers, unseen], [[], undefined]);
});

test("where /proc hides the processes of others, or is that of a container, it is not known who they are", async () => {
  const machine = "pid:[4026531836]";
  const procOf = async (namespace: string, ...processes: readonly string[]): Promise<string> => {
    const proc = await temporaryFolder();
    for (const one of ["self/ns", ...processes.map((pid) => `${pid}/fd`)])
      await mkdir(join(proc, one), { recursive: true });
    await symlink(namespace, join(proc, "self/ns/pid"));
    return proc;
  };
  assert.equal(findOpenWriters([], await procOf(machine, "1", "77")).unseen, 0);
  assert.equal(findOpenWriters([], await procOf(machine, "77")).unseen, undefined);
  assert.equal(findOpenWriters([], await procOf("pid:[4026532277]", "1", "77")).unseen, undefined);
});

test("a source is never moved into its own folder, whatever the folder is called there", async () => {
  const order = await sources("");
  const other = join(await temporaryFolder(), "link");
  await symlink(order.folder, other);
  await assert.rejects(moveSource({ ...order, target: other }, nothing), refused("move-same-folder"));
  assert.deepEqual(await all(order.folder), ["a.tif"]);
});

test("a folder for finished sources whose parent is missing is not made: its disk may not be mounted", async () => {
  const order = await sources(join(await temporaryFolder(), "not-mounted", "done"));
  await assert.rejects(moveSource(order, nothing), refused("move-failed"));
  assert.deepEqual([await all(order.folder), await all(dirname(dirname(order.target)))], [["a.tif"], []]);
});

test("a link in the watch folder is not moved", async () => {
  const order = await sources(await temporaryFolder(), { "a.tif": Buffer.from("a") });
  await symlink("a.tif", join(order.folder, "l.tif"));
  await assert.rejects(moveSource({ ...order, members: ["l.tif"] }, nothing), refused("move-no-file"));
});

test("a source stays while the disk that finished sources went to is not mounted, and nothing is made there", async () => {
  const disk = await temporaryFolder();
  const order = { ...(await sources(join(disk, "done"))), targetMountPoint: disk };
  await assert.rejects(moveSource(order, nothing), refused("move-not-mounted"));
  assert.deepEqual([await all(order.folder), await all(disk)], [["a.tif"], []]);
  await mkdir(order.target);
  await writeFile(join(order.target, "written while the disk was away"), "");
  await assert.rejects(moveSource(order, nothing), refused("move-not-mounted"));
  await writeFile(join(order.target, withoutDiskName), "");
  assert.equal((await moveSource(order, nothing)).kind, "moved");
});

test("folders that are made for a finished source have the results' group", async (t) => {
  // Root may give a file to any group, also to one that nobody is in.
  const gid =
    process.getuid?.() === 0 ? 4242 : process.getgroups?.().find((group) => group !== process.getgid?.());
  if (gid === undefined) return t.skip("this user is in one group only");
  const target = join(await temporaryFolder(), "done");
  const order = { ...(await sources(target, { "day/a.tif": raw })), access: { gid } };
  assert.equal((await moveSource(order, nothing)).kind, "moved");
  for (const made of [target, join(target, "day")]) assert.equal((await stat(made)).gid, gid);
});

test("a name as long as the disk allows is shortened where it is taken, at the target and beside a new file", async () => {
  const longest = `${"n".repeat(251)}.tif`;
  const order = await sources(await temporaryFolder(), { [longest]: raw });
  await writeFile(join(order.target, longest), "other");
  const end = await moveSource(order, nothing);
  const [numbered] = (await all(order.target)).filter((name) => name !== longest);
  assert.match(numbered ?? "", /^n+-[0-9a-f]{8}-2\.tif$/);
  assert.equal(end.kind === "moved" && end.target, join(order.target, numbered ?? ""));
  assert.deepEqual(await readFile(join(order.target, numbered ?? "")), raw);

  const { folder } = await sources("", { [longest]: raw });
  const aside = await setAside(join(folder, longest));
  await writeFile(join(folder, longest), "new");
  assert.equal(basename(await putBack(aside)), numbered);
  assert.deepEqual(await all(folder), [longest, numbered].sort());
});
