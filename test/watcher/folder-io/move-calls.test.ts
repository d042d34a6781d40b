import assert from "node:assert/strict";
import { renameSync, utimesSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { moveSource } from "../../../watcher/folder-io/move-source.ts";
import { restoreAside } from "../../../watcher/folder-io/set-aside.ts";
import { noOtherDisk, otherDisk } from "../other-disk.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { beforeEachCall, refusedLink } from "./before-each-call.ts";
import { all, killed, sources } from "./move-orders.ts";

/** What holds before each single call of the file system that a move makes, and not only at its steps. */

const nothing = (): void => undefined;
const raw = { "a.tif": Buffer.from("first of the set"), "b.tif": Buffer.from("second") };
/** More than a move of two files makes. */
const mostCalls = 64;

/** As the next sweep does. */
async function sweepAside(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(".")) await restoreAside(join(folder, name));
  }
}

for (const [where, links] of [
  ["within a disk", true],
  ["within a disk that knows no links", false],
  ["across disks", true],
] as const) {
  const targetOf = async () => (where === "across disks" ? otherDisk() : temporaryFolder());
  const linking = (name: string): void => {
    if (!links && name === "link") throw refusedLink();
  };

  test(`${where}: a file that takes a source's name during the move keeps it, whenever it comes`, async (t) => {
    const parent = await targetOf();
    if (parent === undefined) return t.skip(noOtherDisk);
    let calls = mostCalls;
    // The first two calls look at the sources: what comes before is another revision.
    for (let at = 3; at <= calls + 1; at += 1) {
      const order = await sources(join(parent, String(at)), raw);
      const path = join(order.folder, "b.tif");
      // Of the same size and time: only the inode tells them apart.
      const bytes = Buffer.from("SECOND");
      const beside = join(await temporaryFolder(), "new");
      const replace = (): void => {
        writeFileSync(beside, bytes);
        utimesSync(beside, order.denoised.mtimeMs / 1000, order.denoised.mtimeMs / 1000);
        renameSync(beside, path);
      };
      let made = 0;
      const restore = beforeEachCall(({ number, name }) => {
        made = number;
        if (number === at) replace();
        linking(name);
      });
      const end = await moveSource(order, nothing)
        .catch((error: unknown) => {
          assert.ok(isEdgeError(error), String(error));
          return undefined;
        })
        .finally(restore);
      if (made < at) {
        calls = made;
        replace();
      }
      assert.deepEqual(await readFile(path), bytes, `before call ${at}`);
      const left = end === undefined ? ["a.tif", "b.tif"] : ["b.tif"];
      assert.deepEqual(await all(order.folder), left, `before call ${at}`);
      for (const [name, whole] of Object.entries(raw)) {
        const moved = await readFile(join(order.target, name)).catch(() => undefined);
        if (end !== undefined || moved !== undefined) assert.deepEqual(moved, whole, `before call ${at}`);
      }
    }
    assert.ok(calls < mostCalls && calls > 10, `the move makes ${calls} calls`);
  });

  test(`${where}: a move that is killed before any of its calls is finished by the next, with nothing hidden`, async (t) => {
    const parent = await targetOf();
    if (parent === undefined) return t.skip(noOtherDisk);
    const orders = await Promise.all(
      Array.from({ length: mostCalls }, (_, at) => sources(join(parent, String(at)), raw)),
    );
    killed({ orders, links });
    const last = orders.at(-1);
    assert.deepEqual(last && (await all(last.folder)), [], "the last was not stopped");
    for (const [at, order] of orders.entries()) {
      await sweepAside(order.folder);
      const { kind } = await moveSource(order, nothing);
      assert.ok(kind === "moved" || (await all(order.folder)).length === 0, `killed before call ${at + 1}`);
      assert.deepEqual(
        [await all(order.folder), await all(order.target)],
        [[], ["a.tif", "b.tif"]],
        `killed before call ${at + 1}`,
      );
      for (const [name, whole] of Object.entries(raw)) {
        assert.deepEqual(await readFile(join(order.target, name)), whole);
      }
    }
  });
}

test("a file that takes the source's name while a file that took it before is given back keeps it too", async () => {
  let calls = mostCalls;
  let checked = 0;
  for (let first = 3; first <= calls; first += 1) {
    for (let second = first; second <= calls; second += 1) {
      const order = await sources(await temporaryFolder(), { "a.tif": raw["a.tif"] });
      const path = join(order.folder, "a.tif");
      const beside = join(order.target, "..", "cnnt-edge-test-new");
      let made = 0;
      const restore = beforeEachCall(({ number }) => {
        made = number;
        for (const [at, bytes] of [[first, "new"] as const, [second, "newer"] as const]) {
          if (number !== at) continue;
          writeFileSync(beside, bytes);
          renameSync(beside, path);
        }
      });
      await moveSource(order, nothing)
        .catch((error: unknown) => assert.ok(isEdgeError(error), String(error)))
        .finally(restore);
      if (made < second) {
        calls = Math.min(calls, made);
        break;
      }
      checked += 1;
      const names = await all(order.folder);
      assert.equal(await readFile(path, "utf8"), "newer", `before calls ${first} and ${second}`);
      assert.ok(
        names.every((name) => !name.startsWith(".")),
        names.join(),
      );
      for (const name of await all(order.target)) {
        assert.deepEqual(await readFile(join(order.target, name)), raw["a.tif"]);
      }
    }
  }
  assert.ok(calls < mostCalls && checked > calls, `${checked} combinations in a move of ${calls} calls`);
});

test("a disk that is mounted twice is two to the kernel, and the source is copied", async () => {
  const order = await sources(await temporaryFolder(), raw);
  const restore = beforeEachCall(({ name, paths }) => {
    const [from = "", to = ""] = paths;
    if (name === "link" && from.startsWith(order.folder) && to.startsWith(order.target)) {
      throw Object.assign(new Error("EXDEV: link"), { code: "EXDEV" });
    }
  });
  await moveSource(order, nothing).finally(restore);
  assert.deepEqual([await all(order.folder), await all(order.target)], [[], ["a.tif", "b.tif"]]);
});
