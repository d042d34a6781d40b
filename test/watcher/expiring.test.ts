import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { expireResults } from "../../watcher/expiring.ts";
import type { Folder } from "../../watcher/folder/folder.ts";
import { createFolderIo } from "../../watcher/folder-io/host.ts";
import type { Job } from "../../watcher/ledger/job.ts";
import { noMemory, quickFolder } from "./folder-io/quick-folder.ts";
import { writeResult } from "./folder-io/written-result.ts";
import { namesIn } from "./names-in.ts";
import { outcomeOf } from "./outcome-of.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

test("old results are removed where a folder says after how many days, and nowhere else", async (t) => {
  const root = await temporaryFolder();
  const [input, output] = [join(root, "in"), join(root, "out")];
  await mkdir(input);
  await mkdir(output);
  await writeFile(join(input, "a.tif"), "raw");
  const file = join(output, "a.denoised.ome.tif");
  const { bytes, look } = await writeResult(file, "1".repeat(16));
  let sweeps = 0;
  const io = createFolderIo({
    settings: quickFolder(input, output, 100),
    events: {
      onFinding: async () => true,
      onSwept: () => {
        sweeps += 1;
      },
      onUnreachable: () => undefined,
      memory: async () => noMemory,
    },
  });
  t.after(io.stop);
  io.start();
  await until("it is at work", () => sweeps > 0);
  const outcome = outcomeOf(file, { outputBytes: bytes, outputLook: look });
  const expired: string[] = [];
  const asked: string[] = [];
  const folderOf = (name: string, results_keep_days: number | null) =>
    ({ config: { name, results_keep_days }, io, facts: () => ({ mode: {} }) }) as unknown as Folder;
  const stop = expireResults({
    ledger: {
      oldResults: async (name, beforeMs) => {
        asked.push(name);
        assert.ok(Math.abs(Date.now() - 30 * 24 * 3_600_000 - beforeMs) < 60_000);
        return expired.length > 0 ? [] : [{ id: "1".repeat(16), folder: name, outcome } as Job];
      },
      resultExpired: async (_id, end) => void expired.push(end),
    },
    mayNote: () => true,
    folders: [folderOf("kept", null), folderOf("f", 30)],
    everyMs: 50,
    log: { info: () => undefined, warn: assert.fail },
  });
  t.after(stop);
  await until("the result is removed", () => expired.length > 0);
  assert.deepEqual(expired, ["removed"]);
  assert.deepEqual(await namesIn(output), []);
  assert.deepEqual(await namesIn(input), ["a.tif"]);
  assert.deepEqual([...new Set(asked)], ["f"]);
});
