import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { DenoiseOutcome } from "../../../runtime/job/denoise-job.ts";
import { openDatabase } from "../../../watcher/ledger/database.ts";
import { createJobStore } from "../../../watcher/ledger/job-store.ts";
import { outcomeOf } from "../outcome-of.ts";
import { onePlane, sightingOf } from "../sighting-of.ts";
import { temporaryFolder } from "../temporary-folder.ts";

test("results are old that were told before a time, whose look is known, and that are there still", async (t) => {
  const database = openDatabase(join(await temporaryFolder(), "ledger.sqlite"));
  t.after(database.close);
  let ms = 0;
  const store = createJobStore(database, () => ms);
  const look = { outputLook: { inode: 1, mtimeMs: 1, ctimeMs: 1 } };
  const done = (source: string, atMs: number, change: Partial<DenoiseOutcome> = look): string => {
    ms = atMs;
    const admission = store.admitWhole("f", sightingOf(source), onePlane);
    const id = (admission.kind === "changed" && admission.jobs[0]?.id) || assert.fail("no job");
    store.start(id, [`/o/${source}`]);
    store.finish(id, outcomeOf(`/o/${source}`, change), false);
    store.markPublished(id);
    return id;
  };
  const first = done("first.tif", 10);
  done("second.tif", 20);
  done("unknown.tif", 30, {});
  done("young.tif", 100);
  const sources = () => store.oldResults("f", 50, 10).map(({ source }) => source);
  assert.deepEqual(sources(), ["first.tif", "second.tif"]);
  assert.deepEqual(store.oldResults("g", 50, 10), []);
  store.resultExpired(first, "kept");
  assert.deepEqual(sources(), ["second.tif"]);
  assert.equal(store.job(first)?.expired, "kept");
});
