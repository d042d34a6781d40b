import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Job } from "../../../watcher/ledger/job.ts";
import { type ClaimedJob, claimMs, type JobQueue } from "../../../watcher/queue/job-queue.ts";
import { outcomeOf } from "../outcome-of.ts";

/** A queue over the folders `f` and `g`, with what a test needs beside it. */
export interface QueueUnderTest {
  readonly queue: JobQueue;
  /** A new acquisition has come to rest in the folder. */
  readonly add: (folder: "f" | "g", source: string) => Promise<void>;
  /** Of the queue's clock. */
  readonly pass: (ms: number) => void;
  /** What was told as `jobChanged`. */
  readonly told: readonly Job[];
}

const outcome = outcomeOf("/o/a");

async function claimed(queue: JobQueue): Promise<ClaimedJob> {
  return (await queue.claim()) ?? assert.fail("there is no job");
}

/** What every engine of the queue keeps. */
export function testQueueLaws(name: string, make: (t: TestContext) => Promise<QueueUnderTest>): void {
  test(`${name}: a job goes to one worker alone, also where many ask at once`, async (t) => {
    const { queue, add } = await make(t);
    await add("f", "a.tif");
    const claims = await Promise.all([queue.claim(), queue.claim(), queue.claim()]);
    assert.equal(claims.filter((claim) => claim !== undefined).length, 1);
    assert.equal(await queue.claim(), undefined);
  });

  test(`${name}: while one job of a folder is claimed and has not begun, other workers get the others, also where all ask at once`, async (t) => {
    const { queue, add } = await make(t);
    for (const source of ["a.tif", "b.tif", "c.tif"]) await add("f", source);
    const first = await claimed(queue);
    const others = await Promise.all([queue.claim(), queue.claim(), queue.claim()]);
    const ids = [first, ...others].flatMap((claim) => claim?.job.id ?? []);
    assert.deepEqual([ids.length, new Set(ids).size], [3, 3]);
  });

  test(`${name}: folders take turns, however much waits in one of them`, async (t) => {
    const { queue, add } = await make(t);
    for (const source of ["a.tif", "b.tif", "c.tif"]) await add("f", source);
    await add("g", "z.tif");
    const folders: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      const begun = await queue.begin(await claimed(queue));
      folders.push(begun.job.folder);
      await queue.acknowledge(begun, outcome);
    }
    assert.deepEqual(folders, ["f", "g", "f"]);
  });

  test(`${name}: a paused folder gives out nothing until it is resumed, and what was claimed goes on`, async (t) => {
    const { queue, add, told } = await make(t);
    await add("f", "a.tif");
    await add("f", "b.tif");
    const claim = await claimed(queue);
    queue.pause("f");
    await queue.acknowledge(await queue.begin(claim), outcome);
    assert.equal(told.at(-1)?.status, "done");
    assert.equal(await queue.claim(), undefined);
    queue.resume("f");
    assert.notEqual((await claimed(queue)).job.id, claim.job.id);
  });

  test(`${name}: each attempt is counted, but for those that are taken back, and the result keeps its name`, async (t) => {
    const { queue, add } = await make(t);
    await add("f", "a.tif");
    const attempts: number[] = [];
    const names = new Set<string | undefined>();
    for (const counts of [true, false, true]) {
      const begun = await queue.begin(await claimed(queue));
      attempts.push(begun.job.attempt);
      names.add(begun.order.output);
      await queue.giveBack(begun, "tried again", { counts });
    }
    assert.deepEqual(attempts, [1, 2, 2]);
    assert.equal(names.size, 1);
  });

  test(`${name}: a job that waits for a time is given out after it, and one that did not begin lost no attempt`, async (t) => {
    const { queue, add, pass } = await make(t);
    await add("f", "a.tif");
    await queue.giveBack(await queue.begin(await claimed(queue)), "tried again", { counts: true });
    await queue.giveBack(await claimed(queue), "no room", { delayMs: 5000, counts: false });
    assert.equal(await queue.claim(), undefined);
    pass(5000);
    const { job } = await claimed(queue);
    assert.deepEqual([job.status, job.reason, job.attempt], ["waiting", "no room", 1]);
  });

  test(`${name}: what waits on for the reason that was told is not told again`, async (t) => {
    const { queue, add, pass, told } = await make(t);
    await add("f", "a.tif");
    for (const reason of ["no room", "no room", "changed"]) {
      await queue.giveBack(await claimed(queue), reason, { delayMs: 10, counts: false });
      pass(10);
    }
    assert.deepEqual(
      told.map((job) => job.reason),
      ["no room", "changed"],
    );
  });

  test(`${name}: a released job is as it was, and the next again`, async (t) => {
    const { queue, add, told } = await make(t);
    await add("f", "a.tif");
    const claim = await claimed(queue);
    queue.release(claim);
    assert.deepEqual((await claimed(queue)).job, claim.job);
    assert.deepEqual(told, []);
  });

  test(`${name}: a claim lasts while it is extended; after that another worker has the job, and the first may say nothing`, async (t) => {
    const { queue, add, pass, told } = await make(t);
    await add("f", "a.tif");
    const first = await claimed(queue);
    pass(claimMs - 1);
    queue.extend(first);
    pass(claimMs - 1);
    assert.equal(await queue.claim(), undefined);
    pass(1);
    const second = await claimed(queue);
    assert.equal(second.job.id, first.job.id);
    queue.extend(first);
    queue.release(first);
    for (const say of [
      () => queue.begin(first),
      () => queue.end(first, { status: "skipped", reason: "gone" }),
      () => queue.giveBack(first, "later", { counts: false }),
    ]) {
      await assert.rejects(say, { code: "job-claim-lost" });
    }
    assert.deepEqual(told, []);
    await queue.acknowledge(await queue.begin(second), outcome);
    assert.deepEqual(
      told.map(({ status }) => status),
      ["running", "done"],
    );
  });

  test(`${name}: a job that has ended is given out no more, and is told with why it ended`, async (t) => {
    const { queue, add, told } = await make(t);
    for (const source of ["a.tif", "b.tif"]) await add("f", source);
    await queue.end(await claimed(queue), { status: "skipped", reason: "it is gone" });
    const error = { kind: "format", code: "cut", message: "it is cut", retryable: false } as const;
    await queue.end(await queue.begin(await claimed(queue)), { status: "failed", error });
    assert.equal(await queue.claim(), undefined);
    assert.deepEqual(
      told.map((job) => [job.status, job.reason ?? job.error?.message]),
      [
        ["skipped", "it is gone"],
        ["running", undefined],
        ["failed", "it is cut"],
      ],
    );
  });

  test(`${name}: progress is no step in the life of a job`, async (t) => {
    const { queue, add, told } = await make(t);
    await add("f", "a.tif");
    const begun = await queue.begin(await claimed(queue));
    queue.progress(begun, { stage: "denoising", doneVoxels: 1, totalVoxels: 64, elapsedS: 1 });
    assert.deepEqual(
      told.map(({ status }) => status),
      ["running"],
    );
  });
}
