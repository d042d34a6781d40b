import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createFolderIo } from "../../watcher/folder-io/host.ts";
import { leaseFolderName, makeLease } from "../../watcher/folder-io/lease-file.ts";
import { copyingEngine } from "./copying-engine.ts";
import { holderOf, noMemory, quickFolder } from "./folder-io/quick-folder.ts";
import { repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

const model = join(repository, "models/identity");
const folders = (path: string, output: string) => ({ folders: [{ name: "f", path, output, model }] });
/** A few sweeps: what is wrongly begun would have begun. */
const fewSweepsMs = 1500;

for (const [what, other] of [
  ["watches the same folder", folders("incoming", "denoised-2")],
  ["writes into the same results", folders("incoming-2", "denoised")],
] as const) {
  test(`a second daemon that ${what} does nothing there, names the first, and goes on when that has stopped`, async (t) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "incoming-2"));
    const first = copyingEngine();
    const daemon = await runDaemon(t, folder, first.engine, { instance: "scope-1" });
    await until(
      "the first one holds its folder",
      () => daemon.daemon && readdir(join(folder, "denoised", leaseFolderName)).catch(() => undefined),
    );
    const second = copyingEngine();
    const beside = await runDaemon(t, folder, second.engine, { ...other, state: "state-2" });
    const state = () => beside.said("folder/f/state").at(-1);
    await until("the second one says so", () => state()?.["state"] === "error");
    assert.match(
      String(state()?.["reason"]),
      /: another daemon of this machine works on the folder: instance scope-1 on \S+, since 20\S+Z by its clock$/,
    );
    assert.match(String(state()?.["remedy"]), /no sign of life for about 70 s/);
    const [name = ""] = other.folders.map(({ path }) => path);
    await writeFile(join(folder, name, "a.tif"), tinyTiff(1));
    if (name === "incoming") await until("the first one does it", () => first.orders.length === 1);
    else await sleep(fewSweepsMs);
    assert.deepEqual(second.orders, []);
    assert.deepEqual(beside.lives("a.tif"), []);
    assert.equal(beside.lines.filter((line) => /works on the folder/.test(line)).length, 1);
    await daemon.stop();
    await until("the second one goes on", () => state()?.["state"] === "watching");
    assert.ok(beside.lines.includes("f: no other daemon works on the folder any more; this one does"));
    await until("it works", () => second.orders.length === 1);
    await beside.stop();
    for (const path of ["incoming", "incoming-2", "denoised"]) {
      const left = await readdir(join(folder, path)).catch((): string[] => []);
      assert.ok(!left.includes(leaseFolderName), path);
    }
  });
}

test("a folder whose holder went without a word is taken over, and what lies there is found then", async (t) => {
  const root = await temporaryFolder();
  const [path, output] = [join(root, "in"), join(root, "out")];
  await mkdir(path);
  await makeLease(path, 1, holderOf("gone"));
  await writeFile(join(path, "a.tif"), tinyTiff(1));
  const told = { found: [] as string[], unreachable: [] as string[], swept: 0 };
  const io = createFolderIo({
    settings: {
      ...quickFolder(path, output, 100),
      leaseTimes: { renewMs: 200, leftAfterMs: 1500, confirmMs: 0 },
    },
    events: {
      onFinding: async (finding) => {
        told.found.push(finding.kind);
        return true;
      },
      onSwept: () => {
        told.swept += 1;
      },
      onUnreachable: ({ message }) => told.unreachable.push(message),
      memory: async () => noMemory,
    },
  });
  t.after(io.stop);
  io.start();
  await until("it is told who holds it", () => told.unreachable.length > 0);
  assert.match(
    told.unreachable[0] ?? "",
    /: another workstation works on the folder: instance gone on host-gone/,
  );
  await assert.rejects(io.ask("prepare", { into: output }), { code: "folder-leased" });
  assert.deepEqual([told.found, told.swept], [[], 0]);
  await until("its file is found", () => told.found.includes("whole"));
  assert.deepEqual(await readdir(join(path, leaseFolderName)), ["2"]);
  // Another one takes it from this one, as after a long standstill: nothing more is begun here.
  await makeLease(path, 3, holderOf("thief"));
  await until("it is noticed", () => /instance thief/.test(told.unreachable.at(-1) ?? ""));
  await assert.rejects(io.ask("prepare", { into: output }), { code: "folder-leased" });
});
