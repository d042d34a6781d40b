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
import { runningJob } from "../running-job.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { until } from "../until.ts";

async function supervisorWith(
  startEngine: (options: EngineOptions) => Engine,
  engine: Record<string, unknown> = {},
  onWarning: (text: string) => void = () => undefined,
  events = createEvents<DaemonEvents>((error) => assert.fail(String(error))),
): Promise<EngineSupervisor> {
  const folder = await temporaryFolder();
  const folders = [{ name: "f", path: "in", output: "out", model: join(repository, "models/identity") }];
  const config = resolveConfig(parseConfig(JSON.stringify({ folders, engine }), "c"), folder, repository);
  events.on("failed", () => assert.fail("the engine was lost"));
  const log = createDaemonLog({
    info: () => undefined,
    problem: (_, error) => onWarning(reportOf(error).message),
  });
  return createEngineSupervisor(events, {
    config,
    folders: config.folders.map((one) => ({ config: one })),
    startEngine,
    log,
  });
}

/** What the engine is started with under a configuration. */
async function engineOptions(engine: Record<string, unknown>): Promise<EngineOptions> {
  const started: EngineOptions[] = [];
  const supervisor = await supervisorWith((options) => {
    started.push(options);
    return copyingEngine().engine;
  }, engine);
  await supervisor.warmUp();
  await supervisor.stop();
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
  const supervisor = await supervisorWith(
    () => losing,
    {},
    (text) => news.push(text),
  );
  const { engine: facts } = await supervisor.warmUp();
  assert.equal(facts, undefined, "the daemon goes on without it");
  assert.equal(supervisor.engine(), undefined);
  assert.equal(supervisor.condition().condition, "lost");
  assert.match(
    supervisor.condition().reason ?? "",
    /lost while it warmed up; it is started again in 1 s: the engine/,
  );
  await until("the engine is warm", () => supervisor.engine() !== undefined);
  assert.equal(supervisor.condition().condition, "ready");
  assert.equal(news.length, 2);
  assert.match(news[1] ?? "", /lost 2 times in a row while it warmed up; it is started again in 1\.5 s:/);
  await supervisor.stop();
});

test("an engine that cannot be had at all ends the warm-up", async () => {
  const { engine } = copyingEngine();
  const none = machineError("provider cuda cannot be used", { code: "provider-unavailable" });
  const supervisor = await supervisorWith(() => ({ ...engine, ready: () => Promise.reject(none) }));
  await assert.rejects(supervisor.warmUp(), none);
  assert.equal(supervisor.condition().condition, "lost");
  await supervisor.stop();
});

test("an attempt that lost the engine makes it lost, and the next progress or end of a job makes it ready", async () => {
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  const conditions: string[] = [];
  events.on("engineChanged", ({ condition }) => void conditions.push(condition));
  const start = () => copyingEngine().engine;
  const supervisor = await supervisorWith(start, {}, undefined, events);
  await supervisor.warmUp();
  const job = runningJob("a.tif", 64);
  const lose = (code: string): void =>
    events.tell("attemptFailed", { job, error: { kind: "machine", code, message: "gone", retryable: true } });
  lose("disk-full");
  lose("engine-lost");
  events.tell("jobChanged", { ...job, status: "waiting" });
  assert.equal(supervisor.condition().reason, "gone");
  const progress = { stage: "denoising", doneVoxels: 1, totalVoxels: 64, elapsedS: 1 } as const;
  events.tell("jobProgressed", { job, progress });
  lose("network-stuck");
  events.tell("jobChanged", { ...job, status: "done" });
  assert.deepEqual(conditions, ["ready", "lost", "ready", "lost", "ready"]);
  await supervisor.stop();
});
