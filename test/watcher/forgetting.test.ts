import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Folder } from "../../watcher/folder/folder.ts";
import { createFolderIo } from "../../watcher/folder-io/host.ts";
import { forgetOldSources } from "../../watcher/forgetting.ts";
import type { OldSource } from "../../watcher/ledger/history.ts";
import { noMemory, quickFolder } from "./folder-io/quick-folder.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

test("of old sources those are forgotten that have left with their results, and only while the folder is there", async (t) => {
  const root = await temporaryFolder();
  const [input, output] = [join(root, "in"), join(root, "out")];
  await mkdir(input);
  await mkdir(output);
  const told = { sweeps: 0, asked: 0 };
  const io = createFolderIo({
    settings: quickFolder(input, output, 100),
    events: {
      onFinding: async () => true,
      onSwept: () => {
        told.sweeps += 1;
      },
      onUnreachable: () => undefined,
      memory: async () => noMemory,
    },
  });
  t.after(io.stop);
  io.start();
  await until("it is at work", () => told.sweeps > 0);

  await writeFile(join(input, "stays.tif"), "");
  await writeFile(join(output, "result.tif"), "");
  const sources: OldSource[] = [
    { source: "gone.tif", members: ["gone.tif"], outputs: [join(output, "gone.tif")] },
    { source: "result.tif", members: ["other.tif"], outputs: [join(output, "result.tif")] },
    { source: "$'\\xff.tif'", members: ["$'\\xff.tif'"], outputs: [] },
    { source: "set.ome", members: ["set.ome", "stays.tif"], outputs: [] },
  ];
  const forgotten: (readonly string[])[] = [];
  const keepMs = 24 * 3_600_000;
  const stop = forgetOldSources({
    ledger: {
      oldSources: async (folder, beforeMs, after) => {
        assert.equal(folder, "f");
        assert.ok(Math.abs(Date.now() - keepMs - beforeMs) < 60_000);
        told.asked += 1;
        return after === "" ? sources : [];
      },
      forgetSources: async (_folder, left) => void forgotten.push(left),
    },
    mayNote: () => true,
    folders: [{ config: { name: "f" }, io, isOpen: () => true } as unknown as Folder],
    keepMs,
    everyMs: 50,
    log: { warn: () => undefined },
  });
  t.after(stop);
  await until("one is forgotten", () => forgotten.length > 0);
  assert.deepEqual(forgotten[0], ["gone.tif"]);

  await rm(input, { recursive: true });
  const before = { asked: told.asked, forgotten: 0 };
  await until("it looked again", () => told.asked > before.asked + 2);
  before.forgotten = forgotten.length;
  before.asked = told.asked;
  await until("it looked again", () => told.asked > before.asked + 2);
  assert.equal(forgotten.length, before.forgotten, "without the folder nothing is known to have left");
});
