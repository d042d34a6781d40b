import assert from "node:assert/strict";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import LibsqlDatabase from "libsql";
import type { Finding } from "../../../watcher/intake/finding.ts";
import { openDatabase } from "../../../watcher/ledger/database.ts";
import { createJobStore, type JobStore } from "../../../watcher/ledger/job-store.ts";
import { migrations } from "../../../watcher/ledger/migrations.ts";
import { type Description, describedSet, imagesInOne } from "../described-set.ts";
import { clockedScan } from "../intake/clocked-scan.ts";
import { openingsOf } from "../opened-files.ts";
import { memberOf, onePlane, sightingOf } from "../sighting-of.ts";
import { temporaryFolder } from "../temporary-folder.ts";

/** What a daemon that is started now finds in `folder`, and tells its ledger. */
async function startAnew(folder: string, store: JobStore): Promise<readonly Finding["kind"][]> {
  const look = clockedScan(
    folder,
    {},
    {
      known: store.knownFiles("f"),
      note: (finding) => {
        if (finding.kind === "whole") store.admitWhole("f", finding.sighting, finding.facts);
        return true;
      },
    },
  );
  return (await look(8)).map(({ kind }) => kind);
}

async function newStore(t: TestContext) {
  const database = openDatabase(join(await temporaryFolder(), "ledger.sqlite"));
  t.after(database.close);
  return createJobStore(database, () => 1_000_000);
}

const acquisitions: readonly (readonly [what: string, files: () => ReturnType<typeof describedSet>])[] = [
  ...(["each", "first", "companion"] satisfies Description[]).map(
    (described) => [`a set described by: ${described}`, () => describedSet(25, described)] as const,
  ),
  ["a file of 160 images", () => [["a.ome.tif", imagesInOne(160)]]],
];
for (const [what, files] of acquisitions) {
  test(`after a restart no file is opened again of ${what}`, async (t) => {
    const store = await newStore(t);
    const folder = await temporaryFolder();
    for (const [name, bytes] of files()) await writeFile(join(folder, name), bytes);
    assert.equal((await startAnew(folder, store)).filter((kind) => kind === "whole").length, 1);
    let told: readonly string[] = [];
    const openings = await openingsOf(folder, async () => {
      told = await startAnew(folder, store);
    });
    assert.deepEqual([openings, told], [{ images: 0, hashes: 0 }, []]);
  });
}

test("a file of a set that changed while the daemon was down makes the set a new revision", async (t) => {
  const store = await newStore(t);
  const folder = await temporaryFolder();
  const files = describedSet(5, "first");
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
  await startAnew(folder, store);
  const [name = "", bytes = Buffer.alloc(0)] = files[3] ?? [];
  const changed = Buffer.from(bytes);
  // One sample of it.
  changed.writeUInt16LE(4711, 8);
  await writeFile(join(folder, name), changed);
  await utimes(join(folder, name), 5000, 5000);
  const { hashes } = await openingsOf(folder, () => startAnew(folder, store));
  assert.equal(hashes, 1);
  assert.equal(store.peek("f", "newest")?.revision, 2);
});

test("each file of a set is known by its own size and times", async (t) => {
  const store = await newStore(t);
  const members = [memberOf("a.tif"), memberOf("b.tif", { ctimeMs: 7 })];
  const admission = store.admitWhole("f", sightingOf("a.tif", { ctimeMs: 7, members }), onePlane);
  assert.equal(admission.kind, "changed");
  assert.deepEqual(store.knownFiles("f"), [
    { source: "a.tif", ...members[0]?.look, hashes: members[0]?.hashes },
    { source: "b.tif", ...members[1]?.look, hashes: members[1]?.hashes },
  ]);
});

test("of a ledger that knew no files of sets, single files are known, and sets are read once more, are the same, and known then", async (t) => {
  const folder = await temporaryFolder();
  const file = join(await temporaryFolder(), "ledger.sqlite");
  const names = [...describedSet(3, "each"), ["one.ome.tif", imagesInOne(1)] as const];
  for (const [name, bytes] of names) await writeFile(join(folder, name), bytes);
  const previous = new LibsqlDatabase(file);
  const version = migrations.findIndex((step) => step.includes("CREATE TABLE files"));
  for (const step of migrations.slice(0, version)) previous.exec(step);
  previous.exec(`PRAGMA user_version = ${version}`);
  const known = openDatabase(join(await temporaryFolder(), "ledger.sqlite"));
  t.after(known.close);
  await startAnew(
    folder,
    createJobStore(known, () => 1_000_000),
  );
  const columns =
    "id, folder, source, revision, size_bytes, mtime_ms, ctime_ms, ends_hash, middle_hash, members";
  const add = previous.prepare(`INSERT INTO sightings (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  for (const row of known.rows(`SELECT ${columns} FROM sightings`)) add.run(...Object.values(row));
  previous.close();

  const database = openDatabase(file);
  t.after(database.close);
  const store = createJobStore(database, () => 1_000_000);
  assert.deepEqual(
    store.knownFiles("f").map(({ source }) => source),
    ["one.ome.tif"],
  );
  const first = await openingsOf(folder, () => startAnew(folder, store));
  assert.deepEqual([first.hashes, store.counts().byStatus.queued], [3, 0]);
  assert.equal(store.knownFiles("f").length, names.length);
  assert.deepEqual(await openingsOf(folder, () => startAnew(folder, store)), { images: 0, hashes: 0 });
});
