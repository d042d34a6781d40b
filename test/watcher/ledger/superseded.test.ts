import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openDatabase } from "../../../watcher/ledger/database.ts";
import { createJobStore, type JobStore } from "../../../watcher/ledger/job-store.ts";
import { outcomeOf } from "../outcome-of.ts";
import { sightingOf } from "../sighting-of.ts";
import { temporaryFolder } from "../temporary-folder.ts";

async function newStore(t: TestContext) {
  const database = openDatabase(join(await temporaryFolder(), "ledger.sqlite"));
  t.after(database.close);
  let ms = 1_000_000;
  return createJobStore(database, () => (ms += 1));
}

/** Content `revision` of `source` comes, with so many images. Answers the ids of its jobs. */
function arrive(store: JobStore, revision: number, images = 1, source = "a.tif"): readonly string[] {
  const facts = { sampleBytes: 128, voxels: Array.from({ length: images }, () => 64) };
  const change = { endsHash: `h${revision}`, mtimeMs: revision };
  const admission = store.admitWhole("f", sightingOf(source, change), facts);
  assert.equal(admission.kind, "changed");
  return (admission.kind === "changed" ? admission.jobs : [])
    .filter((job) => job.revision === revision && job.status === "queued")
    .map(({ id }) => id);
}

/** Its job is done, with the result `output`. */
function finish(store: JobStore, id: string, output: string): void {
  store.start(id, [output]);
  store.finish(id, outcomeOf(output, { sourceSha256: `of ${output}` }), false);
}

const supersededIn = (store: JobStore): readonly (string | undefined)[] => {
  const found: string[] = [];
  for (let next = store.nextSuperseded("f"); next !== undefined; next = store.nextSuperseded("f", found)) {
    found.push(next.id);
  }
  return found.map((id) => store.job(id)?.output);
};

test("the result of newer content supersedes that of the older, from the moment that it is done", async (t) => {
  const store = await newStore(t);
  const [first = ""] = arrive(store, 1);
  finish(store, first, "/o/a");
  const [second = ""] = arrive(store, 2);
  store.start(second, ["/o/a.r2"]);
  const older = { job: first, output: "/o/a", sourceSha256: "of /o/a" };
  assert.deepEqual(store.job(second)?.supersedes, [older]);
  assert.deepEqual(supersededIn(store), []);
  store.finish(second, outcomeOf("/o/a.r2"), false);
  assert.deepEqual(store.job(second)?.supersedes, [older]);
  assert.deepEqual(store.job(first)?.supersededBy, { job: second, output: "/o/a.r2" });
  assert.deepEqual(supersededIn(store), ["/o/a"]);
  store.supersededEnded(first, "marked");
  assert.deepEqual(supersededIn(store), []);
  assert.equal(store.job(first)?.superseded, "marked");
});

test("each result is superseded once, by the next", async (t) => {
  const store = await newStore(t);
  const ids = [1, 2, 3].map((revision) => {
    const [id = ""] = arrive(store, revision);
    finish(store, id, `/o/a.r${revision}`);
    return id;
  });
  assert.deepEqual(
    ids.map((id) => store.job(id)?.supersedes?.map(({ output }) => output)),
    [undefined, ["/o/a.r1"], ["/o/a.r2"]],
  );
});

for (const end of ["removed", "gone"] as const) {
  test(`where a result is ${end}, the older ones that were marked with its name are marked anew with the next one's`, async (t) => {
    const store = await newStore(t);
    const jobs: string[] = [];
    for (const revision of [1, 2, 3, 4]) {
      const [id = ""] = arrive(store, revision);
      finish(store, id, `/o/a.r${revision}`);
      if (revision > 1) store.supersededEnded(jobs.at(-1) ?? "", revision === 2 ? "marked" : end);
      jobs.push(id);
    }
    const [first = "", , , last = ""] = jobs;
    assert.deepEqual(supersededIn(store), ["/o/a.r1"]);
    assert.deepEqual(store.job(first)?.supersededBy, { job: last, output: "/o/a.r4" });
    store.supersededEnded(first, "marked");
    assert.deepEqual(supersededIn(store), []);
  });
}

test("each image supersedes its own, and the first those for which the newer content has none", async (t) => {
  const store = await newStore(t);
  const before = arrive(store, 1, 3);
  before.forEach((id, index) => {
    finish(store, id, `/o/a.${index}`);
  });
  const [zero = "", one = ""] = arrive(store, 2, 2);
  finish(store, one, "/o/a.1.r2");
  assert.deepEqual(supersededIn(store), ["/o/a.1"]);
  finish(store, zero, "/o/a.0.r2");
  assert.deepEqual(supersededIn(store), ["/o/a.0", "/o/a.1", "/o/a.2"]);
});

test("no result of another source, and none that failed, is superseded", async (t) => {
  const store = await newStore(t);
  const [other = ""] = arrive(store, 1, 1, "b.tif");
  finish(store, other, "/o/b");
  const [failed = ""] = arrive(store, 1);
  store.start(failed, ["/o/a"]);
  store.end(failed, "parked", { reason: "lost" });
  const [id = ""] = arrive(store, 2);
  finish(store, id, "/o/a.r2");
  assert.deepEqual(supersededIn(store), []);
  assert.equal(store.job(id)?.supersedes, undefined);
});

test("a superseded job is not done again by hand, and is not forgotten before its result is marked", async (t) => {
  const store = await newStore(t);
  const [first = ""] = arrive(store, 1);
  finish(store, first, "/o/a");
  const [second = ""] = arrive(store, 2);
  finish(store, second, "/o/a.r2");
  assert.throws(() => store.retry(first), /superseded by \/o\/a\.r2/);
  for (const id of [first, second]) store.markPublished(id);
  assert.deepEqual(store.oldSources("f", 9e9, "", 10), []);
  store.supersededEnded(first, "marked");
  assert.equal(store.oldSources("f", 9e9, "", 10).length, 1);
});
