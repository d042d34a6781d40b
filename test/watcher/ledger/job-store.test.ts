import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openDatabase } from "../../../watcher/ledger/database.ts";
import type { Admission, Job } from "../../../watcher/ledger/job.ts";
import { createJobStore } from "../../../watcher/ledger/job-store.ts";
import { outcomeOf } from "../outcome-of.ts";
import { memberOf, onePlane, sightingOf as seen } from "../sighting-of.ts";
import { temporaryFolder } from "../temporary-folder.ts";

async function newStore(t: TestContext) {
  const database = openDatabase(join(await temporaryFolder(), "ledger.sqlite"));
  t.after(database.close);
  const clock = { ms: 1_000_000 };
  return { store: createJobStore(database, () => clock.ms), clock };
}

const broken = { kind: "format", code: "cut", message: "it is cut", retryable: false } as const;

function jobsOf(admission: Admission): readonly Job[] {
  return admission.kind === "changed" ? admission.jobs : assert.fail(`it is ${admission.kind}`);
}
function only(admission: Admission): Job {
  const [job, ...others] = jobsOf(admission);
  assert.equal(others.length, 0);
  return job ?? assert.fail("no job");
}
const outcome = (output: string, sourceSha256 = "s") => outcomeOf(output, { sourceSha256 });

test("the same content seen again makes no second job, in whatever state the first is", async (t) => {
  const { store } = await newStore(t);
  const job = only(store.admitWhole("f", seen("a.tif"), onePlane));
  assert.equal(store.admitWhole("f", seen("a.tif"), onePlane).kind, "unchanged");
  store.start(job.id, ["/o/a"]);
  assert.equal(store.admitWhole("f", seen("a.tif"), onePlane).kind, "unchanged");
  store.finish(job.id, outcome("/o/a"), false);
  assert.equal(store.admitWhole("f", seen("a.tif"), onePlane).kind, "unchanged");
});

test("the same name in another folder is another job", async (t) => {
  const { store } = await newStore(t);
  const one = only(store.admitWhole("f", seen("a.tif"), onePlane));
  const other = only(store.admitWhole("g", seen("a.tif"), onePlane));
  assert.notEqual(one.id, other.id);
});

test("new content under an old name is a new revision; what waited of the old one is skipped", async (t) => {
  const { store } = await newStore(t);
  const first = only(store.admitWhole("f", seen("a.tif"), onePlane));
  const jobs = jobsOf(store.admitWhole("f", seen("a.tif", { endsHash: "h2", mtimeMs: 2 }), onePlane));
  assert.deepEqual(
    jobs.map(({ revision, status, reason }) => [revision, status, reason]),
    [
      [1, "skipped", "replaced by revision 2"],
      [2, "queued", undefined],
    ],
  );
  assert.equal(jobs[0]?.id, first.id);
});

test("a running job whose source has newer content ends as replaced, whatever it met, and is not tried again", async (t) => {
  const { store } = await newStore(t);
  const ways = {
    "put back": (id: string) => store.again(id, "once more", { counts: true }),
    "its source is gone": (id: string) => store.end(id, "skipped", { reason: "removed" }),
    "it failed": (id: string) => store.end(id, "failed", { error: broken }),
    "the daemon was killed": () => store.recover(3)[0],
  };
  for (const [name, ends] of Object.entries(ways)) {
    const { id } = only(store.admitWhole("f", seen(name), onePlane));
    store.start(id, [`/o/${name}`]);
    store.admitWhole("f", seen(name, { mtimeMs: 2 }), onePlane);
    const ended = ends(id);
    assert.deepEqual(
      [ended?.id, ended?.status, ended?.reason, ended?.error],
      [id, "skipped", "replaced by revision 2", undefined],
      name,
    );
  }
});

test("a touched file is compared by its whole hash, and only processed again when that differs", async (t) => {
  const { store } = await newStore(t);
  const job = only(store.admitWhole("f", seen("a.tif"), onePlane));
  store.start(job.id, ["/o/a"]);
  store.finish(job.id, outcome("/o/a", "abc"), false);
  const touched = seen("a.tif", { mtimeMs: 2 });
  assert.deepEqual(store.admitWhole("f", touched, onePlane), { kind: "touched", sources: ["a.tif"] });
  assert.equal(
    store.admitWhole("f", touched, onePlane, { wholeHashes: { "a.tif": "abc" } }).kind,
    "unchanged",
  );
  assert.equal(store.admitWhole("f", touched, onePlane).kind, "unchanged");
  const rewritten = seen("a.tif", { mtimeMs: 3 });
  assert.equal(
    only(store.admitWhole("f", rewritten, onePlane, { wholeHashes: { "a.tif": "def" } })).revision,
    2,
  );
});

test("of a touched set the bytes of each file are compared, and it is only processed again when those of one differ", async (t) => {
  const { store } = await newStore(t);
  const set = (mtimeMs: number) =>
    seen("a.tif", { mtimeMs, members: [memberOf("a.tif"), memberOf("b.tif", { mtimeMs })] });
  const job = only(store.admitWhole("f", set(1), onePlane));
  store.start(job.id, ["/o/a"]);
  const sourceFiles = ["a", "b"].map((name) => ({ file: `/f/${name}.tif`, sha256: name }));
  store.finish(job.id, { ...outcome("/o/a"), sourceFiles }, false);
  assert.deepEqual(store.admitWhole("f", set(2), onePlane), { kind: "touched", sources: ["a.tif", "b.tif"] });
  const same = { "a.tif": "a", "b.tif": "b" };
  assert.equal(store.admitWhole("f", set(2), onePlane, { wholeHashes: same }).kind, "unchanged");
  const other = { ...same, "b.tif": "c" };
  assert.equal(only(store.admitWhole("f", set(3), onePlane, { wholeHashes: other })).revision, 2);
});

test("a broken file waits, becomes whole under the same job, and is queued", async (t) => {
  const { store } = await newStore(t);
  const waiting = only(store.admitBroken("f", seen("a.tif", { sizeBytes: 5 }), broken));
  assert.deepEqual([waiting.status, waiting.reason], ["waiting", "it is cut"]);
  assert.deepEqual(store.knownFiles("f"), []);
  const queued = only(store.admitWhole("f", seen("a.tif"), onePlane));
  assert.deepEqual([queued.id, queued.status, queued.revision], [waiting.id, "queued", 1]);
  assert.deepEqual(store.knownFiles("f"), [{ source: "a.tif", sizeBytes: 10, mtimeMs: 1, ctimeMs: 1 }]);
});

test("a copy of content that is done makes no second job, although the copy pauses and seems broken meanwhile", async (t) => {
  const { store } = await newStore(t);
  const job = only(store.admitWhole("f", seen("a.tif"), onePlane));
  store.start(job.id, ["/o/a"]);
  store.finish(job.id, outcome("/o/a", "abc"), false);
  const waiting = only(store.admitBroken("f", seen("a.tif", { sizeBytes: 5, mtimeMs: 2 }), broken));
  assert.equal(waiting.revision, 2);
  const copied = seen("a.tif", { mtimeMs: 3, ctimeMs: 3 });
  assert.equal(store.admitWhole("f", copied, onePlane).kind, "touched");
  const ended = only(store.admitWhole("f", copied, onePlane, { wholeHashes: { "a.tif": "abc" } }));
  assert.deepEqual([ended.id, ended.status], [waiting.id, "skipped"]);
  assert.match(ended.reason ?? "", /same content/);
  // What was told of either does not change.
  assert.deepEqual([store.job(job.id)?.revision, ended.revision], [1, 2]);
  assert.deepEqual(store.counts().byStatus, { ...store.counts().byStatus, queued: 0, done: 1, skipped: 1 });
  assert.deepEqual(
    store.knownFiles("f").map(({ mtimeMs }) => mtimeMs),
    [3],
  );
  assert.equal(store.admitWhole("f", copied, onePlane).kind, "unchanged");
  const newer = only(store.admitWhole("f", seen("a.tif", { mtimeMs: 4, endsHash: "h2" }), onePlane));
  assert.equal(newer.revision, 3);
  assert.ok(![job.id, waiting.id].includes(newer.id));
});

test("content that is done makes no job where it is only touched and seems broken for a while; other bytes make one", async (t) => {
  const { store } = await newStore(t);
  const job = only(store.admitWhole("f", seen("a.tif"), onePlane));
  store.start(job.id, ["/o/a"]);
  const done = store.finish(job.id, outcome("/o/a", "abc"), false);
  for (const admit of [store.admitBroken, store.admitRefused]) {
    const touched = seen("a.tif", { mtimeMs: 2 });
    assert.deepEqual(admit("f", touched, broken), { kind: "touched", sources: ["a.tif"] });
    assert.equal(admit("f", touched, broken, { wholeHashes: { "a.tif": "abc" } }).kind, "unchanged");
    assert.equal(admit("f", touched, broken).kind, "unchanged");
    assert.equal(store.admitWhole("f", touched, onePlane).kind, "unchanged");
    store.admitWhole("f", seen("a.tif"), onePlane, { wholeHashes: { "a.tif": "abc" } });
  }
  assert.deepEqual(store.job(job.id), done);
  const rewritten = seen("a.tif", { mtimeMs: 3 });
  const waiting = only(store.admitBroken("f", rewritten, broken, { wholeHashes: { "a.tif": "def" } }));
  assert.deepEqual([waiting.status, waiting.revision], ["waiting", 2]);
});

test("a copy of other content that pauses is one job, and content that failed is queued under its own job again", async (t) => {
  const { store } = await newStore(t);
  const job = only(store.admitWhole("f", seen("a.tif"), onePlane));
  store.start(job.id, ["/o/a"]);
  store.end(job.id, "failed", { error: broken });
  store.admitBroken("f", seen("a.tif", { sizeBytes: 5, mtimeMs: 2 }), broken);
  const [ended, again] = jobsOf(store.admitWhole("f", seen("a.tif", { ctimeMs: 3 }), onePlane));
  assert.deepEqual([ended?.status, again?.id, again?.status], ["skipped", job.id, "queued"]);
  assert.deepEqual([ended?.revision, again?.revision], [2, 1]);
  store.start(job.id, ["/o/a"]);
  store.finish(job.id, outcome("/o/a", "abc"), false);
  const waiting = only(store.admitBroken("f", seen("a.tif", { sizeBytes: 5, mtimeMs: 4 }), broken));
  const whole = only(store.admitWhole("f", seen("a.tif", { mtimeMs: 5, endsHash: "h2" }), onePlane));
  assert.deepEqual([whole.id, whole.revision, whole.status], [waiting.id, 3, "queued"]);
});

test("a broken file that is refused fails once, and is not looked at again", async (t) => {
  const { store } = await newStore(t);
  store.admitBroken("f", seen("a.tif"), broken);
  const failed = only(store.admitRefused("f", seen("a.tif"), broken));
  assert.deepEqual([failed.status, failed.error?.code], ["failed", "cut"]);
  assert.equal(store.admitRefused("f", seen("a.tif"), broken).kind, "unchanged");
});

test("a broken file that is removed is skipped with the reason; if it comes back whole it is queued", async (t) => {
  const { store } = await newStore(t);
  store.admitBroken("f", seen("a.tif"), broken);
  assert.equal(store.gone("f", "a.tif")[0]?.status, "skipped");
  assert.equal(jobsOf(store.admitWhole("f", seen("a.tif"), onePlane)).at(-1)?.status, "queued");
});

test("a file of several series has a job for each, and is done when all are", async (t) => {
  const { store } = await newStore(t);
  const jobs = jobsOf(store.admitWhole("f", seen("a.tif"), { sampleBytes: 300, voxels: [50, 100] }));
  assert.deepEqual(
    jobs.map(({ series, seriesCount, sampleBytes }) => [series, seriesCount, sampleBytes]),
    [
      [0, 2, 100],
      [1, 2, 200],
    ],
  );
  const asked = jobs.map(({ id }) => {
    store.start(id, [`/o/${id}`]);
    store.finish(id, outcome(`/o/${id}`), true);
    return store.nextMove("f")?.source;
  });
  assert.deepEqual(asked, [undefined, "a.tif"]);
});

test("a move that was asked for is asked again until it is done, also after a start", async (t) => {
  const { store, clock } = await newStore(t);
  const { id } = only(store.admitWhole("f", seen("a.tif"), onePlane));
  store.start(id, ["/o/a"]);
  store.finish(id, outcome("/o/a", "abc"), true);
  const move = store.nextMove("f") ?? assert.fail("no move is asked for");
  assert.deepEqual(
    [move.members, move.sizeBytes, move.mtimeMs, move.outcomes[0]?.sourceSha256],
    [["a.tif"], 10, 1, "abc"],
  );
  assert.deepEqual(store.keptSources(), {});
  store.moveLater(move.id, 5000, broken);
  assert.equal(store.nextMove("f"), undefined);
  assert.deepEqual(store.keptSources(), { f: { count: 1, error: broken } });
  clock.ms += 5000;
  assert.deepEqual(store.nextMove("f")?.attempts, 1);
  store.moveLater(move.id, 0);
  assert.deepEqual(store.nextMove("f")?.attempts, 1, "it was not there, for the first time");
  store.moveLater(move.id, 0);
  assert.deepEqual(store.nextMove("f")?.attempts, 2);
  assert.deepEqual(store.keptSources(), {});
  store.moveLater(move.id, 3_600_000, broken);
  store.wakeMoves();
  assert.equal(store.nextMove("f")?.id, move.id);
  store.moved(move.id);
  assert.equal(store.nextMove("f"), undefined);
  assert.deepEqual(store.keptSources(), {});
});

test("a source with newer content is not moved for the older one", async (t) => {
  const { store } = await newStore(t);
  const { id } = only(store.admitWhole("f", seen("a.tif"), onePlane));
  store.start(id, ["/o/a"]);
  const newer = seen("a.tif", { endsHash: "h2", mtimeMs: 2 });
  store.admitWhole("f", newer, onePlane);
  store.finish(id, outcome("/o/a"), true);
  assert.equal(store.nextMove("f"), undefined, "the newer content came while the job ran");

  const second = only(store.admitWhole("f", seen("b.tif"), onePlane));
  store.start(second.id, ["/o/b"]);
  store.finish(second.id, outcome("/o/b"), true);
  store.admitWhole("f", seen("b.tif", { endsHash: "h2", mtimeMs: 2 }), onePlane);
  assert.equal(store.nextMove("f"), undefined, "the newer content came before the move");
});

test("two sources that want one name get two, and keep them over attempts", async (t) => {
  const { store } = await newStore(t);
  const one = only(store.admitWhole("f", seen("a.tif"), onePlane));
  const other = only(store.admitWhole("f", seen("a.ome.tif"), onePlane));
  assert.equal(store.start(one.id, ["/o/a", "/o/a.tif"]).output, "/o/a");
  assert.equal(store.start(other.id, ["/o/a", "/o/a.ome.tif"]).output, "/o/a.ome.tif");
  store.again(one.id, "once more", { counts: true });
  assert.equal(store.start(one.id, ["/o/a", "/o/a.tif"]).output, "/o/a");
});

test("oldest or newest first, by the time of change; what waits for a time comes when it is due", async (t) => {
  const { store, clock } = await newStore(t);
  for (const [source, mtimeMs] of [
    ["b.tif", 2],
    ["a.tif", 1],
    ["c.tif", 3],
  ] as const) {
    store.admitWhole("f", seen(source, { mtimeMs }), onePlane);
  }
  assert.equal(store.peek("f", "oldest")?.source, "a.tif");
  assert.equal(store.peek("f", "newest")?.source, "c.tif");
  const job = store.peek("f", "oldest") ?? assert.fail();
  store.start(job.id, ["/o/a"]);
  store.again(job.id, "disk", { delayMs: 1000, counts: true });
  assert.equal(store.peek("f", "oldest")?.source, "b.tif");
  clock.ms += 1000;
  assert.equal(store.peek("f", "oldest")?.source, "a.tif");
});

test("after a crash a running job is queued again, until it has crashed too often", async (t) => {
  const { store } = await newStore(t);
  const { id } = only(store.admitWhole("f", seen("a.tif"), onePlane));
  for (let crash = 1; crash <= 3; crash += 1) {
    store.start(id, ["/o/a"]);
    const [after] = store.recover(3);
    assert.equal(after?.status, crash < 3 ? "queued" : "parked");
  }
  assert.match(store.job(id)?.error?.message ?? "", /ended 3 times/);
  assert.deepEqual(store.recover(3), []);
});

test("an end is told until it was confirmed", async (t) => {
  const { store } = await newStore(t);
  const { id } = only(store.admitRefused("f", seen("a.czi"), broken));
  assert.deepEqual(
    store.unpublished(10).map((job) => job.id),
    [id],
  );
  store.markPublished(id);
  assert.deepEqual(store.unpublished(10), []);
});

test("counts say what waits where, and for what", async (t) => {
  const { store } = await newStore(t);
  store.admitWhole("f", seen("a.tif"), onePlane);
  store.admitBroken("f", seen("b.tif"), { ...broken, message: "/in/b.tif: it is cut" });
  const counts = store.counts();
  assert.deepEqual(counts.byFolder, { f: { queued: 1, waiting: 1, oldestReason: "b.tif: it is cut" } });
  assert.deepEqual([counts.pendingVoxels, counts.pendingBytes, counts.byStatus.queued], [64, 128, 1]);
});

test("jobs that ended for a fault that holds their folder now are queued again at a start, others are not", async (t) => {
  const { store } = await newStore(t);
  const endsWith = (source: string, status: "failed" | "parked", code: string): Job => {
    const job = only(store.admitWhole("f", seen(source), onePlane));
    store.start(job.id, [`/o/${source}`]);
    return store.end(job.id, status, {
      error: { kind: "machine", code, message: `it met ${code}`, retryable: false },
    });
  };
  const output = endsWith("a.tif", "parked", "read-only-disk");
  const model = endsWith("b.tif", "failed", "package-missing");
  endsWith("c.tif", "parked", "engine-lost");
  endsWith("d.tif", "failed", "tiff-cut");
  endsWith("e.tif", "parked", "read-only-disk");
  store.admitWhole("f", seen("e.tif", { endsHash: "another content" }), onePlane);
  store.markPublished(output.id);

  assert.deepEqual(
    store.takeUpHeld().map(({ id, status, reason }) => [id, status, reason]),
    [
      [output.id, "queued", "queued again after: it met read-only-disk"],
      [model.id, "queued", "queued again after: it met package-missing"],
    ],
  );
  assert.deepEqual(store.takeUpHeld(), []);
  store.start(output.id, ["/o/another"]);
  const job = store.finish(output.id, outcome("/o/a.tif"), false);
  assert.equal(job.output, "/o/a.tif");
  assert.ok(
    store.unpublished(10).some(({ id }) => id === output.id),
    "its new end is to be told",
  );
});
