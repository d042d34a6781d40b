import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { machineError } from "../../../core/errors.ts";
import { tasksOf } from "../../../watcher/folder-io/folder-tasks.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { quickFolder } from "./quick-folder.ts";

test("earlier results do not count as marked where their disk went while they were looked for", async () => {
  const folder = await temporaryFolder();
  let looks = 0;
  const check = async () => {
    looks += 1;
    if (looks > 1)
      throw machineError("the disk is not mounted", { code: "output-unmounted", retryable: true });
    return { freeBytes: 0, freeFiles: 0, mountPoint: "/", nameBytes: 255 };
  };
  const results = { check, state: check };
  const watched = { check: async () => "/", lookAt: async () => ({ kind: "gone" }) as const };
  const leases = {
    hold: async () => undefined,
    keep: () => setTimeout(() => undefined),
    release: async () => undefined,
  };
  const tasks = tasksOf(quickFolder(folder, folder, 100), { watched, results, leases }, () => undefined);
  const order = { output: join(folder, "a.denoised.ome.tif"), anew: false };
  await assert.rejects(tasks.markEarlier(order), { code: "output-unmounted" });
});
