import assert from "node:assert/strict";
import { totalmem } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { EngineOptions } from "../../runtime/engine/host.ts";
import { parseConfig } from "../../watcher/config/load.ts";
import { resolveConfig } from "../../watcher/config/resolve.ts";
import { createEngineRoom } from "../../watcher/engine-room.ts";
import { copyingEngine } from "./copying-engine.ts";
import { repository } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** What the engine is started with under a configuration. */
async function engineOptions(engine: Record<string, unknown>): Promise<EngineOptions> {
  const folder = await temporaryFolder();
  const folders = [{ name: "f", path: "in", output: "out", model: join(repository, "models/identity") }];
  const config = resolveConfig(parseConfig(JSON.stringify({ folders, engine }), "c"), folder, repository);
  const started: EngineOptions[] = [];
  const room = createEngineRoom({
    config,
    startEngine: (options) => {
      started.push(options);
      return copyingEngine().engine;
    },
    onChange: () => undefined,
    onLost: () => assert.fail("the engine was lost"),
    onRecycle: () => undefined,
    onTileTooLarge: () => undefined,
    onModelNews: () => undefined,
  });
  await room.warmUp();
  await room.stop();
  return started[0] ?? assert.fail("no engine was started");
}

test("the engine is started with the configured memory, threads, priority and recycling, and learns tiles in the state folder", async () => {
  const { memoryLimitBytes, intraOpThreads, lowPriority, recycleAfterJobs, tileMemoryFile } =
    await engineOptions({ memory_limit: "25%", threads: 3, priority: "normal", recycle_jobs: 7 });
  assert.deepEqual([memoryLimitBytes, intraOpThreads, recycleAfterJobs], [totalmem() / 4, 3, 7]);
  assert.equal(lowPriority, false);
  assert.match(tileMemoryFile ?? "", /state\/tile-memory\.json$/);
});

test("without a memory limit what is free counts, without threads all run, after other programs; 0 jobs is never", async () => {
  const { memoryLimitBytes, intraOpThreads, lowPriority, recycleAfterJobs } = await engineOptions({
    recycle_jobs: 0,
  });
  assert.equal(lowPriority, true);
  assert.deepEqual([memoryLimitBytes, intraOpThreads, recycleAfterJobs], [undefined, undefined, undefined]);
});
