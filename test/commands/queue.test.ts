import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import type { Sighting } from "../../watcher/intake/sighting.ts";
import { openDatabase } from "../../watcher/ledger/database.ts";
import type { Admission } from "../../watcher/ledger/job.ts";
import { createJobStore } from "../../watcher/ledger/job-store.ts";
import { memberOf, onePlane, sightingOf } from "../watcher/sighting-of.ts";
import { runHere } from "./run-command.ts";

const state = mkdtempSync(join(tmpdir(), "queue-"));
after(() => rmSync(state, { recursive: true }));

function idOf(admission: Admission): string {
  return admission.kind === "changed" ? (admission.jobs[0]?.id ?? "") : "";
}

/** The content of one image is admitted and done; `work` passes between its start and its end. */
function finish(
  store: ReturnType<typeof createJobStore>,
  folder: string,
  seen: Sighting,
  work: () => unknown = () => undefined,
): void {
  const id = idOf(store.admitWhole(folder, seen, onePlane));
  const output = `/results/${seen.source}`;
  store.start(id, [output]);
  work();
  const tiles = { tile: [1, 8, 8], overlap: [0, 0, 0] } as const;
  const figures = { outputBytes: 1, voxels: 2_000_000, elapsedS: 4, networkS: 3, clippedShare: 0 };
  store.finish(id, { output, sourceSha256: "s", provider: "cpu", ...tiles, ...figures, notes: [] }, false);
}

before(() => {
  const database = openDatabase(join(state, "ledger.sqlite"));
  let nowMs = Date.parse("2026-11-20T10:00:00Z");
  const store = createJobStore(database, () => nowMs);
  for (const source of ["done.tif", "bad.tif", "new\n.tif"]) {
    nowMs += 3_600_000;
    if (source === "done.tif") {
      finish(store, "fish", sightingOf(source), () => (nowMs += 1000));
      continue;
    }
    const id = idOf(store.admitWhole("fish", sightingOf(source), onePlane));
    if (source.startsWith("new")) continue;
    store.start(id, [`/results/${source}`]);
    nowMs += 1000;
    store.end(id, "skipped", { reason: "so" });
  }
  // As a daemon leaves it that was stopped.
  database.rows("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  for (const log of ["wal", "shm"]) rmSync(join(state, `ledger.sqlite-${log}`), { force: true });
});

test("queue lists what waits and what was done, with the throughput of each, the newest first", async () => {
  const { code, stdout, stderr } = await runHere(["queue", "--state", state]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    "2026-11-20 13:00:02Z  queued   fish  new\\n.tif",
    "2026-11-20 12:00:02Z  skipped  fish  bad.tif: so",
    "2026-11-20 11:00:01Z  done     fish  done.tif → /results/done.tif, 4 s, 0.5 million voxels a second",
  ]);
});

test("queue answers by state, folder and time, also as JSON", async () => {
  const lines = async (...options: string[]): Promise<number> => {
    const { code, stdout, stderr } = await runHere(["queue", "--state", state, ...options]);
    assert.equal(code, 0, stderr);
    return stdout.split("\n").length - 1;
  };
  assert.equal(await lines("--status", "done", "skipped"), 2);
  assert.equal(await lines("--folder", "birds"), 0);
  assert.equal(await lines("--until", "2026-11-19"), 0);
  assert.equal(await lines("--since", "2026-11-19", "--limit", "2"), 2);
  const { stdout } = await runHere(["queue", "--state", state, "--status", "done", "--json"]);
  const { jobs } = JSON.parse(stdout) as { jobs: { source: string; outcome: { elapsedS: number } }[] };
  assert.deepEqual(
    jobs.map(({ source, outcome }) => [source, outcome.elapsedS]),
    [["done.tif", 4]],
  );
});

/** The state folder of a stopped daemon, after `change`. */
function stoppedLedger(t: TestContext, change: (store: ReturnType<typeof createJobStore>) => void): string {
  const folder = mkdtempSync(join(tmpdir(), "queue-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const database = openDatabase(join(folder, "ledger.sqlite"));
  change(createJobStore(database, () => Date.parse("2026-11-20T10:00:00Z")));
  database.close();
  return folder;
}

test("queue says which folders are paused and how they go on, also where the daemon is stopped", async (t) => {
  const paused = stoppedLedger(t, (store) => {
    store.admitWhole("sets", sightingOf("plain.tif"), onePlane);
    store.pauseFolder("sets");
    store.pauseFolder("birds");
  });
  const says = (name: string) => `folder ${name} is paused; \`cnnt-edge queue resume ${name}\` goes on\n`;
  const all = await runHere(["queue", "--state", paused]);
  assert.match(all.stdout, /queued {3}sets {2}plain\.tif\n$/);
  assert.equal(all.stderr, says("birds") + says("sets"));
  const one = await runHere(["queue", "--state", paused, "--folder", "sets"]);
  assert.equal(one.stderr, says("sets"));
  const json = await runHere(["queue", "--state", paused, "--json"]);
  const sinceMs = Date.parse("2026-11-20T10:00:00Z");
  assert.deepEqual((JSON.parse(json.stdout) as { paused: unknown }).paused, [
    { folder: "birds", sinceMs },
    { folder: "sets", sinceMs },
  ]);
});

const incomplete = {
  kind: "format",
  code: "pattern-incomplete",
  message:
    'the acquisition is incomplete: files that its pattern counts are missing (found no "a_T1_C2.tif")',
  remedy: "Copy the missing files into the same folder",
  retryable: false,
} as const;

test("of a set that failed and was completed and done since, queue says so and no longer asks for files, and retry too", async (t) => {
  const first = ["a_T1_C1.tif", "a_T1_C2.tif"].map((source) => memberOf(source));
  const both = ["b_T1_C1.tif", "b_T1_C2.tif"].map((source) => memberOf(source));
  const later = stoppedLedger(t, (store) => {
    const incompletes = ["a_T1_C1.tif", "b_T1_C2.tif", "c_T1_C1.tif"];
    for (const source of incompletes) store.admitRefused("sets", sightingOf(source), incomplete);
    const outcomes = [
      ["a_T1_C1.tif", first],
      ["b_T1_C1.tif", both],
    ] as const;
    for (const [source, members] of outcomes) finish(store, "sets", sightingOf(source, { members }));
    // Newer content that is not done.
    store.admitWhole("sets", sightingOf("c_T1_C1.tif", { endsHash: "other" }), onePlane);
  });
  const { stdout } = await runHere(["queue", "--state", later, "--status", "failed"]);
  const lines = stdout.trimEnd().split("\n").sort();
  const missing = 'the acquisition is incomplete: .* \\(found no "a_T1_C2.tif"\\)';
  assert.match(lines[0] ?? "", new RegExp(`sets {2}a_T1_C1.tif: ${missing}. Its newer content is done$`));
  assert.match(
    lines[1] ?? "",
    new RegExp(`sets {2}b_T1_C2.tif: ${missing}. The file is done as part of b_T1_C1.tif$`),
  );
  assert.match(lines[2] ?? "", /sets {2}c_T1_C1\.tif: .*\. Copy the missing files into the same folder$/);
  const retried = await runHere(["queue", "retry", "--status", "failed", "--state", later]);
  assert.equal(retried.code, 1);
  for (const [source, why] of [
    ["a_T1_C1.tif", "its newer content is done"],
    ["b_T1_C2.tif", "the file is done as part of b_T1_C1.tif"],
    ["c_T1_C1.tif", "its source has newer content. cnnt-edge queue lists the job of that"],
  ])
    assert.ok(
      retried.stderr.includes(`sets  ${source}: the job is not queued again: ${why}\n`),
      retried.stderr,
    );
  const { newerDone } = (
    JSON.parse((await runHere(["queue", "--state", later, "--status", "failed", "--json"])).stdout) as {
      jobs: { source: string; newerDone?: string }[];
    }
  ).jobs.find(({ source }) => source === "b_T1_C2.tif") ?? { newerDone: "no job" };
  assert.equal(newerDone, "b_T1_C1.tif");
});

test("queue says of an empty ledger that there are no jobs yet, and of options that no job matches that", async (t) => {
  const empty = stoppedLedger(t, () => undefined);
  for (const options of [[], ["--limit", "3"]]) {
    const { code, stderr } = await runHere(["queue", "--state", empty, ...options]);
    assert.deepEqual([code, stderr], [0, "no jobs yet\n"]);
  }
  const { stderr } = await runHere(["queue", "--state", state, "--folder", "birds"]);
  assert.equal(stderr, "no job of the ledger matches these options\n");
});

test("a state folder without a ledger, and a time that is none, are refused in a line", async () => {
  const missing = await runHere(["queue", "--state", join(state, "nothing")]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^cnnt-edge: .*ledger\.sqlite: there is no ledger\. .*--state.*\n$/);
  for (const time of ["yesterday", "2026-11-26junk", "2026-", "2026-02-30", "2026-11-26T25:00"]) {
    const wrong = await runHere(["queue", "--state", state, "--since", time]);
    assert.equal(wrong.code, 2, time);
    assert.match(wrong.stderr, /must be a date .* or an age/);
  }
  assert.deepEqual(
    readdirSync(state),
    ["ledger.sqlite"],
    "nothing is left beside a ledger that nobody has open",
  );
});

for (const [what, change] of [
  ["is no JSON", "UPDATE sightings SET members = '[\"a.tif'"],
  ["has an impossible time", "UPDATE jobs SET ended_ms = 9e18, started_ms = 9e18, created_ms = 9e18"],
] as const) {
  test(`queue calls a ledger damaged of which an entry ${what}`, async (t) => {
    const copy = mkdtempSync(join(tmpdir(), "queue-"));
    t.after(() => rmSync(copy, { recursive: true }));
    cpSync(state, copy, { recursive: true });
    const database = openDatabase(join(copy, "ledger.sqlite"));
    database.run(change);
    database.close();
    for (const command of [["queue"], ["queue", "skip", "--folder", "fish"]]) {
      const { code, stderr } = await runHere([...command, "--state", copy]);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^cnnt-edge: .*ledger\.sqlite: the ledger is damaged \(found .+\)\. Move the file away/,
      );
    }
  });
}
