import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { DenoiseOutcome, Engine } from "../../../runtime/job/denoise-job.ts";
import { configSchema } from "../../../watcher/config/schema.ts";
import type { DaemonEvents } from "../../../watcher/events/daemon-events.ts";
import { createDaemonLog } from "../../../watcher/events/daemon-log.ts";
import { createEvents } from "../../../watcher/events/event-map.ts";
import type { Folder } from "../../../watcher/folder/folder.ts";
import type { ClaimedJob, JobQueue } from "../../../watcher/queue/job-queue.ts";
import { createWorker } from "../../../watcher/queue/worker.ts";
import { outcomeOf } from "../outcome-of.ts";
import { runningJob } from "../running-job.ts";
import { until } from "../until.ts";

const { jobs } = configSchema.parse({ folders: [{ name: "f", path: "in", output: "out", model: "m" }] });

/** A worker on the jobs `a.tif` and `b.tif`; each ends in the engine when it is told to. What happened, in its order. */
function workerOnTwoJobs(t: TestContext) {
  const said: string[] = [];
  const settled = new Set<string>();
  const held = new Set<string>();
  let isOpen = true;
  const claims = ["a.tif", "b.tif"].map(
    (source): ClaimedJob => ({
      job: { ...runningJob(source, 64), id: source, source, status: "queued", attempt: 0 },
      outputs: [`/out/${source}`],
      newer: [],
      into: "/out",
      resultBytes: 1,
    }),
  );
  const queue = {
    claim: async () => {
      const next = claims.find(({ job }) => !held.has(job.id) && !settled.has(job.id));
      if (next === undefined || !isOpen) return undefined;
      held.add(next.job.id);
      said.push(`claim ${next.job.id}`);
      return next;
    },
    extend: () => undefined,
    begin: async (claim: ClaimedJob) => {
      said.push(`begin ${claim.job.id}`);
      const order = { input: claim.job.id, output: claim.outputs[0] ?? "", models: { default: "m" } };
      return { ...claim, job: { ...claim.job, status: "running" as const, attempt: 1 }, order };
    },
    acknowledge: async ({ job }: ClaimedJob) => {
      settled.add(job.id);
      said.push(`done ${job.id}`);
    },
    release: ({ job }: ClaimedJob) => {
      held.delete(job.id);
      said.push(`release ${job.id}`);
    },
    progress: () => undefined,
  } as unknown as JobQueue;
  const folder = {
    config: { name: "f" },
    settle: { broken_s: 0, zero_tail_s: 0 },
    io: {
      ask: async (what: string, { members }: { members?: readonly string[] }) => {
        if (what !== "look") return { freeBytes: 2 ** 50, noFiles: false, isTaken: false };
        said.push(`look ${members?.[0]}`);
        return { kind: "there", sizeBytes: 1, mtimeMs: 1 };
      },
    },
    facts: () => ({}),
    isOpen: () => isOpen,
    learn: () => undefined,
  } as unknown as Folder;
  const ends = new Map<string, () => void>();
  const engine = {
    denoise: ({ input }: { input: string }) =>
      new Promise<DenoiseOutcome>((resolve) => {
        said.push(`engine ${input}`);
        ends.set(input, () => resolve(outcomeOf(`/out/${input}`, {})));
      }),
  } as unknown as Engine;
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  const worker = createWorker(events, {
    queue,
    engine: () => engine,
    folders: [folder],
    models: () => [],
    jobs,
    sweepMs: 1000,
    checkModels: async () => false,
    holdSources: () => () => undefined,
    log: createDaemonLog({ info: () => undefined, problem: () => undefined }),
  });
  t.after(async () => {
    for (const end of ends.values()) end();
    await worker.drain(0);
  });
  events.tell("folderChanged", { folder: "f" });
  return {
    said,
    end: (source: string) => ends.get(source)?.(),
    close: () => {
      isOpen = false;
    },
    drain: () => worker.drain(0),
  };
}

test("the next job is looked at while the engine is at work, and begins after the one before it is done", async (t) => {
  const { said, end } = workerOnTwoJobs(t);
  await until("the next job was looked at", () => said.includes("look b.tif"));
  await sleep(20);
  assert.ok(!said.includes("begin b.tif"));
  end("a.tif");
  await until("the next job is in the engine", () => said.includes("engine b.tif"));
  const order = ["claim a.tif", "look a.tif", "begin a.tif", "claim b.tif", "look b.tif", "done a.tif"];
  assert.deepEqual(
    said.filter((what) => order.includes(what) || what === "begin b.tif"),
    [...order, "begin b.tif"],
  );
});

test("a job that was looked at long ago is let go, and looked at again when its turn comes", async (t) => {
  const { said, end } = workerOnTwoJobs(t);
  await until("the next job was let go", () => said.includes("release b.tif"));
  assert.ok(!said.includes("done a.tif"));
  end("a.tif");
  await until("the next job is in the engine", () => said.includes("engine b.tif"));
  assert.equal(said.filter((what) => what === "look b.tif").length, 2);
});

test("a job that was looked at does not begin where its folder has closed since", async (t) => {
  const { said, end, close } = workerOnTwoJobs(t);
  await until("the next job was looked at", () => said.includes("look b.tif"));
  close();
  end("a.tif");
  await until("the next job was let go", () => said.includes("release b.tif"));
  assert.ok(!said.includes("begin b.tif"));
});

test("a daemon that ends does not begin the job that was looked at", async (t) => {
  const { said, end, drain } = workerOnTwoJobs(t);
  await until("the next job was looked at", () => said.includes("look b.tif"));
  const drained = drain();
  end("a.tif");
  await drained;
  assert.ok(said.includes("release b.tif"));
  assert.ok(!said.includes("begin b.tif"));
});
