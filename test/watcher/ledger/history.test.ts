import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openDatabase, openToRead } from "../../../watcher/ledger/database.ts";
import { askHistory, type HistoryQuestion } from "../../../watcher/ledger/history.ts";
import { createJobStore } from "../../../watcher/ledger/job-store.ts";
import { sightingOf } from "../sighting-of.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const onePlane = { sampleBytes: 128, voxels: [64] };
const startMs = 1_000_000;

/** A ledger in which a second passes with each `job`. */
async function newLedger(t: TestContext) {
  const file = join(await temporaryFolder(), "ledger.sqlite");
  const database = openDatabase(file);
  t.after(database.close);
  let nowMs = startMs;
  const store = createJobStore(database, () => nowMs);
  const job = (folder: string, source: string, ends: "skipped" | "failed" | undefined, endsHash = "h") => {
    nowMs += 1000;
    const admission = store.admitWhole(folder, sightingOf(source, { endsHash }), onePlane);
    const id = admission.kind === "changed" ? admission.jobs.at(-1)?.id : undefined;
    assert.ok(id !== undefined);
    if (ends === undefined) return;
    store.start(id, [`/out/${folder}/${source}.${endsHash}`]);
    store.end(id, ends, { reason: "so" });
    store.markPublished(id);
  };
  const sources = (question: Partial<HistoryQuestion>) =>
    askHistory(database, { limit: 100, ...question }).map(({ source }) => source);
  return { file, database, store, job, sources };
}

test("the history answers by folder, state and time, the newest first", async (t) => {
  const { job, sources } = await newLedger(t);
  job("f", "a", "skipped");
  job("g", "b", "failed");
  job("f", "c", undefined);
  job("f", "d", "failed");
  assert.deepEqual(sources({}), ["d", "c", "b", "a"]);
  assert.deepEqual(sources({ folder: "f" }), ["d", "c", "a"]);
  assert.deepEqual(sources({ statuses: ["failed", "queued"] }), ["d", "c", "b"]);
  assert.deepEqual(sources({ sinceMs: startMs + 2000, untilMs: startMs + 4000 }), ["c", "b"]);
  assert.deepEqual(sources({ folder: "f", statuses: ["failed"], limit: 1 }), ["d"]);
  assert.deepEqual(sources({ sources: ["a", "d", "nothing"] }), ["d", "a"]);
});

test("the newest jobs are found by their index, however many there are", async (t) => {
  const { database } = await newLedger(t);
  const asked: string[] = [];
  const explaining = {
    rows: (sql: string, ...values: Parameters<typeof database.rows>[1][]) => {
      asked.push(
        ...database.rows(`EXPLAIN QUERY PLAN ${sql}`, ...values).map(({ detail }) => String(detail)),
      );
      return [];
    },
  };
  askHistory(explaining, { limit: 10, folder: "f", sinceMs: 1 });
  assert.ok(
    asked.some((step) => step.includes("jobs_by_time")),
    asked.join("\n"),
  );
  assert.ok(!asked.some((step) => /TEMP B-TREE/.test(step)), asked.join("\n"));
});

test("a ledger is read while its daemon writes, and cannot be changed by who reads", async (t) => {
  const { file, job } = await newLedger(t);
  const reading = openToRead(file);
  t.after(reading.close);
  job("f", "a", "failed");
  assert.equal(askHistory(reading, { limit: 10 }).length, 1);
  assert.throws(() => reading.rows("DELETE FROM jobs RETURNING id"), { code: "ledger-unusable" });
  assert.throws(() => openToRead(join(file, "..", "none")), { code: "ledger-missing" });
});

test("a source is old when the end of its last job was told long ago, and is forgotten whole", async (t) => {
  const { store, job, sources } = await newLedger(t);
  job("f", "a", "failed");
  job("f", "a", "skipped", "h2");
  job("f", "b", "failed");
  job("f", "c", undefined);
  job("g", "a", "failed");
  const old = (beforeMs: number, after = "", limit = 10) =>
    store.oldSources("f", beforeMs, after, limit).map(({ source }) => source);
  assert.deepEqual(old(startMs + 2000), [], "its second revision ended later");
  assert.deepEqual(old(startMs + 9000), ["a", "b"], "the other has not ended");
  assert.deepEqual(old(startMs + 9000, "a"), ["b"]);
  assert.deepEqual(old(startMs + 9000, "", 1), ["a"]);
  const [a] = store.oldSources("f", startMs + 9000, "", 10);
  assert.deepEqual([a?.members, a?.outputs.toSorted()], [["a"], ["/out/f/a.h", "/out/f/a.h2"]]);

  store.forgetSources("f", ["a"], startMs + 2000);
  assert.deepEqual(sources({ folder: "f" }).sort(), ["a", "a", "b", "c"], "it is not old at that time");
  store.forgetSources("f", ["a"], startMs + 9000);
  assert.deepEqual(sources({ folder: "f" }).sort(), ["b", "c"]);
  assert.deepEqual(sources({ folder: "g" }), ["a"]);
  job("f", "a", undefined);
  const [again] = store.waitingFiles("f");
  assert.equal(again, undefined);
});

test("a source that comes again while somebody looks whether it has left is not forgotten", async (t) => {
  const { store, job, sources } = await newLedger(t);
  job("f", "a", "failed");
  assert.equal(store.oldSources("f", startMs + 9000, "", 10).length, 1);
  job("f", "a", undefined, "h2");
  store.forgetSources("f", ["a"], startMs + 9000);
  assert.deepEqual(sources({ folder: "f" }), ["a", "a"]);
});

test("a source whose end the broker has not confirmed is not old", async (t) => {
  const { store, job, database } = await newLedger(t);
  job("f", "a", "failed");
  database.run("UPDATE jobs SET published = 0");
  assert.deepEqual(store.oldSources("f", startMs + 9000, "", 10), []);
});
