import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import LibsqlDatabase from "libsql";
import { type Database, openDatabase, type SqlValue } from "../../../watcher/ledger/database.ts";
import { createJobStore, type JobStore } from "../../../watcher/ledger/job-store.ts";
import { migrations } from "../../../watcher/ledger/migrations.ts";
import { outcomeOf } from "../outcome-of.ts";
import { onePlane, sightingOf } from "../sighting-of.ts";
import { temporaryFolder } from "../temporary-folder.ts";

type Asked = readonly [sql: string, values: readonly SqlValue[]];

/** A store that remembers each statement it runs. */
async function watchedStore(t: TestContext) {
  const database = openDatabase(join(await temporaryFolder(), "ledger.sqlite"));
  t.after(database.close);
  const asked = new Map<string, Asked>();
  const noting =
    <Result>(act: (sql: string, ...values: SqlValue[]) => Result) =>
    (sql: string, ...values: SqlValue[]): Result => {
      asked.set(sql, [sql, values]);
      return act(sql, ...values);
    };
  const noted: Database = { ...database, rows: noting(database.rows), run: noting(database.run) };
  /** Steps of SQLite's plans that read a whole table or index, all of a state, or put all that was found in order. */
  const wholeReads = (): string[] =>
    [...asked.values()].flatMap(([sql, values]) =>
      database
        .rows(`EXPLAIN QUERY PLAN ${sql}`, ...values)
        .map(({ detail }) => String(detail))
        .filter((step) =>
          /^SCAN (?!json_each|CONSTANT)|TEMP B-TREE FOR (?!RIGHT PART)|MULTI-INDEX OR/.test(step),
        )
        .map((step) => `${step}: ${sql}`),
    );
  return { store: createJobStore(noted, () => 1_000_000), wholeReads };
}

function nextOf(store: JobStore, order: "oldest" | "newest" = "oldest"): string {
  return store.peek("f", order)?.id ?? assert.fail("no job is next");
}

test("no step in the life of a job reads all jobs, sources or files that the ledger knows", async (t) => {
  const { store, wholeReads } = await watchedStore(t);
  store.admitWhole("f", sightingOf("a.tif"), onePlane);
  store.admitWhole("f", sightingOf("a.tif"), onePlane);
  const first = nextOf(store);
  store.start(first, ["/o/a", "/o/b"]);
  store.freeNames(first, ["/o/a"]);
  store.again(first, "once more", { counts: true });
  store.start(nextOf(store, "newest"), []);
  store.finish(first, outcomeOf("/o/a", {}), true);
  store.nextMove("f");
  store.unpublished(100);
  store.markPublished(first);
  store.admitWhole("f", sightingOf("a.tif", { endsHash: "other", mtimeMs: 2 }), onePlane);
  const second = nextOf(store);
  store.start(second, ["/o/a.r2"]);
  store.finish(second, outcomeOf("/o/a.r2", {}), false);
  store.nextSuperseded("f");
  store.job(second);
  assert.deepEqual(wholeReads(), []);
});

test("a source that was touched before its job began has the place of its new time", async (t) => {
  const { store } = await watchedStore(t);
  store.admitWhole("f", sightingOf("a.tif", { mtimeMs: 1 }), onePlane);
  store.admitWhole("f", sightingOf("b.tif", { mtimeMs: 2 }), onePlane);
  assert.equal(store.peek("f", "oldest")?.source, "a.tif");
  store.admitWhole("f", sightingOf("a.tif", { mtimeMs: 3 }), onePlane);
  assert.equal(store.peek("f", "oldest")?.source, "b.tif");
  assert.equal(store.peek("f", "newest")?.source, "a.tif");
});

test("jobs that an earlier version queued are run in the order of their sources' times", async (t) => {
  const file = join(await temporaryFolder(), "ledger.sqlite");
  const version = migrations.findIndex((step) => step.includes("source_ms"));
  const previous = new LibsqlDatabase(file);
  for (const step of migrations.slice(0, version)) previous.exec(step);
  previous.pragma(`user_version = ${version}`);
  for (const [id, mtimeMs] of [
    [1, 20],
    [2, 10],
  ] as const) {
    previous.exec(
      `INSERT INTO sightings (id, folder, source, revision, size_bytes, mtime_ms, ends_hash, members)
         VALUES (${id}, 'f', '${id}.tif', 1, 1, ${mtimeMs}, 'h', '["${id}.tif"]');
       INSERT INTO jobs (id, sighting, series, status, created_ms) VALUES ('j${id}', ${id}, 0, 'queued', 1)`,
    );
  }
  previous.close();
  const database = openDatabase(file);
  t.after(database.close);
  const store = createJobStore(database, () => 1_000_000);
  assert.equal(nextOf(store), "j2");
  assert.equal(nextOf(store, "newest"), "j1");
  assert.deepEqual(store.counts().byFolder, { f: { queued: 2, waiting: 0 } });
});
