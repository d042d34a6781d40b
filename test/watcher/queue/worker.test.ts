import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { machineError } from "../../../core/errors.ts";
import { configSchema } from "../../../watcher/config/schema.ts";
import type { DaemonEvents } from "../../../watcher/events/daemon-events.ts";
import { createDaemonLog } from "../../../watcher/events/daemon-log.ts";
import { createEvents } from "../../../watcher/events/event-map.ts";
import type { Folder } from "../../../watcher/folder/folder.ts";
import type { FolderFacts } from "../../../watcher/folder/folder-state.ts";
import type { BegunJob, ClaimedJob, JobQueue } from "../../../watcher/queue/job-queue.ts";
import { createWorker } from "../../../watcher/queue/worker.ts";
import { copyingEngine } from "../copying-engine.ts";
import { runningJob } from "../running-job.ts";
import { until } from "../until.ts";

const { jobs } = configSchema.parse({ folders: [{ name: "f", path: "in", output: "out", model: "m" }] });

/** A worker on one job; the disks of its folder answer as `ask` does. */
function workerOnOneJob(
  t: TestContext,
  ask: (what: string) => Promise<unknown>,
  offered: "once" | "always" = "once",
) {
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  const said: string[] = [];
  const learned: Partial<FolderFacts>[] = [];
  const claimed: ClaimedJob = {
    job: { ...runningJob("a.tif", 64), status: "queued", attempt: 0 },
    outputs: ["/out/a.ome.tif"],
    newer: [],
    into: "/out",
    resultBytes: 1,
  };
  let claims = 0;
  let isHeld = false;
  const queue: JobQueue = {
    claim: async () => {
      claims += 1;
      if (isHeld || (offered === "once" && said.includes("release"))) return undefined;
      isHeld = true;
      return claimed;
    },
    extend: () => undefined,
    begin: async (claim) => {
      said.push("begin");
      const job = { ...claim.job, status: "running", attempt: 1 } as const;
      return {
        ...claim,
        job,
        order: { input: "/in/a.tif", output: "/out/a.ome.tif", models: { default: "m" } },
      };
    },
    progress: (_begun: BegunJob, { stage }) => void said.push(stage),
    acknowledge: async () => void said.push("acknowledge"),
    freeNames: async ({ outputs }) => outputs,
    recognise: async () => assert.fail("no result stands here"),
    end: async (_claim, how) => void said.push(`end ${how.status}`),
    giveBack: async (_claim, reason, { counts }) => void said.push(`give back ${counts}: ${reason}`),
    release: () => {
      isHeld = false;
      said.push("release");
    },
    retry: () => assert.fail("a worker retries nothing by hand"),
    skip: () => assert.fail("a worker skips nothing by hand"),
    pause: () => undefined,
    resume: () => undefined,
  };
  const folder = {
    config: { name: "f" },
    settle: { broken_s: 0.1, zero_tail_s: 0 },
    io: { ask },
    facts: () => ({}),
    isOpen: () => true,
    learn: (facts: Partial<FolderFacts>) => void learned.push(facts),
  } as unknown as Folder;
  const engine = copyingEngine({
    fail: () => machineError("out of reach", { code: "engine-lost", retryable: true }),
  });
  const worker = createWorker(events, {
    queue,
    engine: () => engine.engine,
    folders: [folder],
    models: () => [],
    jobs,
    sweepMs: 1000,
    checkModels: async () => false,
    holdSources: () => () => undefined,
    log: createDaemonLog({ info: () => undefined, problem: () => undefined }),
  });
  t.after(() => worker.drain(0));
  return { events, said, learned, claims: () => claims, engine };
}

const there = { kind: "there", sizeBytes: 1, mtimeMs: 1 };
const roomy = { freeBytes: 2 ** 50, noFiles: false };
const look = (events: { tell: ReturnType<typeof createEvents<DaemonEvents>>["tell"] }): void =>
  events.tell("folderChanged", { folder: "f" });

test("a job whose source is gone ends, and one whose source changed is given back; neither begins", async (t) => {
  for (const [found, end] of [
    [{ kind: "gone" }, "end skipped"],
    [{ ...there, sizeBytes: 2 }, "give back false: the source has changed and is not at rest yet"],
  ] as const) {
    const { events, said } = workerOnOneJob(t, async () => found);
    look(events);
    await until("it is released", () => said.includes("release"));
    assert.deepEqual(said, [end, "release"]);
  }
});

test("a job whose source was changed long ago, and has another job since, ends", async (t) => {
  const changed = async () => {
    await sleep(20);
    return { ...there, sizeBytes: 2 };
  };
  const { events, said } = workerOnOneJob(t, changed, "always");
  look(events);
  await until("it has ended", () => said.includes("end skipped"));
  assert.equal(said[0], "give back false: the source has changed and is not at rest yet");
});

test("a job without room for its result is given back, and its folder learns why", async (t) => {
  const { events, said, learned } = workerOnOneJob(t, async (what) =>
    what === "look" ? there : { freeBytes: 0, noFiles: false },
  );
  look(events);
  await until("it is released", () => said.includes("release"));
  assert.deepEqual(said, ["give back false: the disk of the results is full", "release"]);
  assert.deepEqual(learned[0]?.full?.source, { members: ["a.tif"], sizeBytes: 1, mtimeMs: 1 });
});

test("a job whose engine is lost is told, tidied and given back with its attempt counted", async (t) => {
  const asked: string[] = [];
  const { events, said } = workerOnOneJob(t, async (what) => {
    asked.push(what);
    return what === "look" ? there : roomy;
  });
  const failures: string[] = [];
  events.on("attemptFailed", ({ error }) => void failures.push(error.code));
  look(events);
  await until("it is released", () => said.includes("release"));
  assert.deepEqual(said, [
    "begin",
    "denoising",
    "give back true: tried again after: out of reach",
    "release",
  ]);
  assert.deepEqual(failures, ["engine-lost"]);
  assert.deepEqual(asked, ["look", "prepare", "tidy"]);
});

test("a job whose folder's disk does not answer stays as it was, and its folder learns why", async (t) => {
  const { events, said, learned } = workerOnOneJob(t, async () => {
    throw machineError("no answer", { code: "folder-unreachable" });
  });
  look(events);
  await until("it is released", () => said.includes("release"));
  assert.deepEqual(said, ["release"]);
  assert.equal(learned[0]?.unreachable?.message, "no answer");
});

test("a job that can neither begin nor be settled is released, and not claimed again at once", async (t) => {
  const { events, said, claims } = workerOnOneJob(
    t,
    async () => {
      await sleep(1);
      throw machineError("the disk is full", { code: "disk-full" });
    },
    "always",
  );
  look(events);
  await until("it is released", () => said.includes("release"));
  await sleep(50);
  assert.ok(claims() <= 3, `${claims()} claims`);
});
