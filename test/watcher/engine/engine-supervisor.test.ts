import assert from "node:assert/strict";
import { totalmem } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { machineError, reportOf } from "../../../core/errors.ts";
import type { EngineOptions } from "../../../runtime/engine/host.ts";
import type { Engine } from "../../../runtime/job/denoise-job.ts";
import { parseConfig } from "../../../watcher/config/load.ts";
import { resolveConfig } from "../../../watcher/config/resolve.ts";
import { createEngineSupervisor, type EngineSupervisor } from "../../../watcher/engine/engine-supervisor.ts";
import type { DaemonEvents } from "../../../watcher/events/daemon-events.ts";
import { createDaemonLog } from "../../../watcher/events/daemon-log.ts";
import { createEvents } from "../../../watcher/events/event-map.ts";
import { copyingEngine } from "../copying-engine.ts";
import { repository } from "../running-daemon.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { until } from "../until.ts";

async function roomWith(
  startEngine: (options: EngineOptions) => Engine,
  engine: Record<string, unknown> = {},
  onWarning: (text: string) => void = () => undefined,
): Promise<EngineSupervisor> {
  const folder = await temporaryFolder();
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  const folders = [{ name: "f", path: "in", output: "out", model: join(repository, "models/identity") }];
  const config = resolveConfig(parseConfig(JSON.stringify({ folders, engine }), "c"), folder, repository);
  events.on("failed", () => assert.fail("the engine was lost"));
  const log = createDaemonLog({
    info: () => undefined,
    problem: (_, error) => onWarning(reportOf(error).message),
  });
  return createEngineSupervisor(events, { config, startEngine, log });
}

/** What the engine is started with under a configuration. */
async function engineOptions(engine: Record<string, unknown>): Promise<EngineOptions> {
  const started: EngineOptions[] = [];
  const room = await roomWith((options) => {
    started.push(options);
    return copyingEngine().engine;
  }, engine);
  await room.warmUp();
  await room.stop();
  return started[0] ?? assert.fail("no engine was started");
}

test("the engine is started with the configured memory, threads, priority and recycling", async () => {
  const { memoryLimitBytes, intraOpThreads, lowPriority, recycleAfterJobs } = await engineOptions({
    memory_limit: "25%",
    threads: 3,
    priority: "normal",
    recycle_jobs: 7,
  });
  assert.deepEqual([memoryLimitBytes, intraOpThreads, recycleAfterJobs], [totalmem() / 4, 3, 7]);
  assert.equal(lowPriority, false);
});

test("without a memory limit the package's tiles count, without threads all run, after other programs; 0 jobs is never", async () => {
  const { memoryLimitBytes, intraOpThreads, lowPriority, recycleAfterJobs } = await engineOptions({
    recycle_jobs: 0,
  });
  assert.equal(lowPriority, true);
  assert.deepEqual([memoryLimitBytes, intraOpThreads, recycleAfterJobs], [undefined, undefined, undefined]);
});

test("an engine that is lost while it warms up is told, started again, and taken once it is warm", async () => {
  const { engine } = copyingEngine();
  let losses = 0;
  const losing: Engine = {
    ...engine,
    ready: () => {
      losses += 1;
      if (losses > 2) return engine.ready();
      return Promise.reject(machineError("the engine process was lost", { code: "engine-lost" }));
    },
  };
  const news: string[] = [];
  const room = await roomWith(
    () => losing,
    {},
    (text) => news.push(text),
  );
  const { engine: facts } = await room.warmUp();
  assert.equal(facts, undefined, "the daemon goes on without it");
  assert.equal(room.engine(), undefined);
  assert.equal(room.condition().condition, "lost");
  assert.match(
    room.condition().reason ?? "",
    /lost while it warmed up; it is started again in 1 s: the engine/,
  );
  await until("the engine is warm", () => room.engine() !== undefined);
  assert.equal(room.condition().condition, "ready");
  assert.equal(news.length, 2);
  assert.match(news[1] ?? "", /lost 2 times in a row while it warmed up; it is started again in 1\.5 s:/);
  await room.stop();
});

test("an engine that cannot be had at all ends the warm-up", async () => {
  const { engine } = copyingEngine();
  const none = machineError("provider cuda cannot be used", { code: "provider-unavailable" });
  const room = await roomWith(() => ({ ...engine, ready: () => Promise.reject(none) }));
  await assert.rejects(room.warmUp(), none);
  assert.equal(room.condition().condition, "lost");
  await room.stop();
});
