import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { reportOf, usageError } from "../../../core/errors.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { parseConfig } from "../../../watcher/config/load.ts";
import { resolveConfig } from "../../../watcher/config/resolve.ts";
import type { DaemonEvents } from "../../../watcher/events/daemon-events.ts";
import { createEvents } from "../../../watcher/events/event-map.ts";
import type { Folder } from "../../../watcher/folder/folder.ts";
import { openDatabase } from "../../../watcher/ledger/database.ts";
import type { Job } from "../../../watcher/ledger/job.ts";
import { createJobStore } from "../../../watcher/ledger/job-store.ts";
import type { Model } from "../../../watcher/models/models.ts";
import { createLedgerQueue } from "../../../watcher/queue/ledger-queue.ts";
import { repository } from "../running-daemon.ts";
import { onePlane, sightingOf } from "../sighting-of.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { type QueueUnderTest, testQueueLaws } from "./queue-laws.ts";

const model = join(repository, "models/identity");
const inOrder = [{ dir: model, package: await readPackage(model) }];

async function queueOverLedger(
  t: TestContext,
  mayNote: () => boolean = () => true,
  models: readonly Model[] = inOrder,
): Promise<QueueUnderTest & { readonly progressed: unknown[] }> {
  const base = await temporaryFolder();
  const database = openDatabase(join(base, "ledger.sqlite"));
  t.after(database.close);
  let clockMs = 1_000_000;
  const store = createJobStore(database, () => clockMs);
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  const told: Job[] = [];
  const progressed: unknown[] = [];
  events.on("jobChanged", (job) => void told.push(job));
  events.on("jobProgressed", (one) => void progressed.push(one));
  const written = {
    folders: ["f", "g"].map((name) => ({ name, path: `in-${name}`, output: `out-${name}`, model })),
  };
  const config = resolveConfig(parseConfig(JSON.stringify(written), "test"), base, repository);
  const folders = config.folders.map(
    (folder) => ({ config: folder, pinned: [], access: {}, nameBytes: () => 255 }) as unknown as Folder,
  );
  const ledger = {
    peek: async (...values: Parameters<typeof store.peek>) => store.peek(...values),
    start: async (...values: Parameters<typeof store.start>) => store.start(...values),
    finish: async (...values: Parameters<typeof store.finish>) => store.finish(...values),
    freeNames: async (...values: Parameters<typeof store.freeNames>) => store.freeNames(...values),
    finishKnown: async (...values: Parameters<typeof store.finishKnown>) => store.finishKnown(...values),
    end: async (...values: Parameters<typeof store.end>) => store.end(...values),
    again: async (...values: Parameters<typeof store.again>) => store.again(...values),
    retry: async (id: string) => store.retry(id),
    skip: async (id: string) => store.skip(id),
  };
  const queue = createLedgerQueue(events, {
    ledger,
    mayNote,
    folders,
    models: () => models,
    now: () => clockMs,
  });
  return {
    queue,
    add: async (folder, source) => void store.admitWhole(folder, sightingOf(source), onePlane),
    pass: (ms) => {
      clockMs += ms;
    },
    told,
    progressed,
  };
}

testQueueLaws("the ledger's queue", (t) => queueOverLedger(t));

test("a ledger that cannot be written gives out no job", async (t) => {
  let writable = false;
  const { queue, add } = await queueOverLedger(t, () => writable);
  await add("f", "a.tif");
  assert.equal(await queue.claim(), undefined);
  writable = true;
  assert.notEqual(await queue.claim(), undefined);
});

test("no job begins with a model that is not in order, and it stays in the queue", async (t) => {
  const damaged = { dir: model, error: reportOf(usageError("damaged", { code: "package-damaged" })) };
  const { queue, add, told } = await queueOverLedger(t, () => true, [damaged]);
  await add("f", "a.tif");
  const claim = (await queue.claim()) ?? assert.fail("there is no job");
  await assert.rejects(queue.begin(claim), { code: "package-unverified" });
  queue.release(claim);
  assert.deepEqual(told, []);
  assert.equal((await queue.claim())?.job.status, "queued");
});

test("a claimed job names its source and its result by path, and carries the order of its folder", async (t) => {
  const { queue, add, progressed } = await queueOverLedger(t);
  await add("g", "day/a.tif");
  const claim = (await queue.claim()) ?? assert.fail("there is no job");
  assert.match(claim.into, /out-g\/day$/);
  const begun = await queue.begin(claim);
  assert.match(begun.order.input, /in-g\/day\/a\.tif$/);
  assert.equal(begun.order.output, claim.outputs[0]);
  assert.equal(begun.order.jobId, begun.job.id);
  const progress = { stage: "denoising", doneVoxels: 1, totalVoxels: 64, elapsedS: 1 } as const;
  queue.progress(begun, progress);
  assert.deepEqual(progressed, [{ job: begun.job, progress }]);
});
