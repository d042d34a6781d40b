import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { nameLimits } from "../../../formats/file/name-limit.ts";
import type { DenoiseOutcome } from "../../../runtime/job/denoise-job.ts";
import { openDatabase } from "../../../watcher/ledger/database.ts";
import type { Job } from "../../../watcher/ledger/job.ts";
import { createJobStore } from "../../../watcher/ledger/job-store.ts";
import { outputNames } from "../../../watcher/queue/job-order.ts";
import { onePlane, sightingOf } from "../sighting-of.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const ends = ["done", "failed", "parked", "skipped", "defect"] as const;
type End = (typeof ends)[number];

async function newLedger(t: TestContext) {
  const database = openDatabase(join(await temporaryFolder(), "ledger.sqlite"));
  t.after(database.close);
  const store = createJobStore(database, () => 1);
  let mtimeMs = 0;
  /** The file gets other content or is touched, its job runs to `end`; the name that was reserved for its result. */
  return (source: string, end: End): string => {
    mtimeMs += 1;
    const seen = sightingOf(source, { mtimeMs, endsHash: `${mtimeMs}` });
    const admission = store.admitWhole("f", seen, onePlane);
    const [job] = admission.kind === "changed" ? admission.jobs : [];
    const { id, output } = begin(job ?? assert.fail("no job"));
    if (end === "done") store.finish(id, {} as DenoiseOutcome, false);
    else if (end === "skipped") store.end(id, end, { reason: end });
    else {
      const kind = end === "defect" ? "defect" : "format";
      store.end(id, end === "parked" ? end : "failed", {
        error: { kind, code: end, message: end, retryable: false },
      });
    }
    return output ?? assert.fail("no name");
  };

  function begin(job: Job): Job {
    return store.start(job.id, outputNames("", job, "denoised", nameLimits.usual));
  }
}

test("content that comes after failures only has the plain name for its result", async (t) => {
  const run = await newLedger(t);
  assert.equal(run("ok.tif", "failed"), "ok.denoised.ome.tif");
  assert.equal(run("ok.tif", "failed"), "ok.denoised.ome.tif");
  assert.equal(run("ok.tif", "done"), "ok.denoised.ome.tif");
  assert.equal(run("ok.tif", "failed"), "ok.r4.denoised.ome.tif");
  assert.equal(run("ok.tif", "done"), "ok.r5.denoised.ome.tif");
});

test("a name is not handed on where its file may exist: the engine was lost, one was there, or we erred", async (t) => {
  for (const end of ["parked", "skipped", "defect"] as const) {
    const run = await newLedger(t);
    assert.equal(run("ok.tif", end), "ok.denoised.ome.tif");
    assert.equal(run("ok.tif", "done"), "ok.r2.denoised.ome.tif");
  }
});

test("a failed job's name goes to its own source only", async (t) => {
  const run = await newLedger(t);
  assert.equal(run("ok.tif", "failed"), "ok.denoised.ome.tif");
  assert.equal(run("ok.ome.tif", "done"), "ok.ome.tif.denoised.ome.tif");
  assert.equal(run("ok.tif", "done"), "ok.denoised.ome.tif");
});

test("newer content has its result named as the older one's, also where another source has the stem", async (t) => {
  const run = await newLedger(t);
  assert.equal(run("a.ome.tif", "done"), "a.denoised.ome.tif");
  assert.equal(run("a.tif", "done"), "a.tif.denoised.ome.tif");
  assert.equal(run("a.tif", "done"), "a.tif.r2.denoised.ome.tif");
  assert.equal(run("a.ome.tif", "done"), "a.r2.denoised.ome.tif");
});

test("in any order of ends, no two files that may exist have one name, and .r only stands where one may", async (t) => {
  const step = fc.tuple(fc.constantFrom("a.tif", "a.ome.tif", "b.tif"), fc.constantFrom(...ends));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const run = await newLedger(t);
      const taken = new Map<string, string[]>();
      for (const [source, end] of steps) {
        const name = run(source, end);
        assert.ok(![...taken.values()].flat().includes(name), `${name} twice`);
        const own = taken.get(source) ?? [];
        assert.equal(/\.r\d+\.denoised/.test(name), own.length > 0, name);
        assert.doesNotMatch(name, /-\d+\./);
        if (end !== "failed") taken.set(source, [...own, name]);
      }
    }),
    { numRuns: 15 },
  );
});
