import assert from "node:assert/strict";
import { cp, mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { machineError } from "../../core/errors.ts";
import { startEngine } from "../../runtime/engine/host.ts";
import type { DenoiseJobInput, Engine } from "../../runtime/job/denoise-job.ts";
import { writeNdSet } from "../formats/described/nd-files.ts";
import { describedSet, imagesInOne } from "./described-set.ts";
import { namesIn } from "./names-in.ts";
import { repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

const identity = join(repository, "models/identity");
/** One real engine for all that happens here. */
const real = startEngine({ models: [identity], providers: ["cpu"] });
after(() => real.stop());

/** The real engine, with what it was asked for; `afterJob` comes between a result's name and the daemon's hearing of it. */
function tellingEngine(afterJob: (job: DenoiseJobInput) => Promise<void> = async () => undefined) {
  const orders: DenoiseJobInput[] = [];
  const engine: Engine = {
    ready: real.ready,
    denoise: async (job, options) => {
      orders.push(job);
      const outcome = await real.denoise(job, options);
      await afterJob(job);
      return outcome;
    },
    stop: async () => undefined,
  };
  return { engine, orders };
}

const configured = (change: Record<string, unknown>) => ({
  folders: [{ name: "f", path: "incoming", output: "denoised", model: identity, ...change }],
});

/** Runs a daemon over `folder` until each of `sources` has ended, as often as it is named, and stops it. Answers how they ended. */
async function runUntilEnded(
  t: TestContext,
  folder: string,
  engine: Engine,
  sources: readonly string[],
  change: Record<string, unknown> = {},
) {
  const { lives, heard, lines, stop } = await runDaemon(t, folder, engine, change);
  const ends = ["done", "skipped", "failed", "parked"];
  for (const source of sources) {
    const jobs = sources.filter((one) => one === source).length;
    const ended = () => lives(source).filter((status) => ends.includes(String(status)));
    await until(`${source} has ended`, () => ended().length >= jobs);
  }
  await stop();
  const endOf = (source: string) =>
    heard.findLast(
      ({ topic, payload }) =>
        /\/job\/[0-9a-f]{16}$/.test(topic) &&
        payload["source"] === source &&
        ends.includes(String(payload["status"])),
    )?.payload ?? {};
  return { endOf, heard, lines };
}

async function put(folder: string, files: Readonly<Record<string, Buffer>>): Promise<void> {
  await mkdir(join(folder, "incoming"), { recursive: true });
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, "incoming", name), bytes);
}

/** But for what is said beside those that are superseded, which comes soon after the next one, or after the next start. */
async function resultsOf(folder: string): Promise<Record<string, Buffer>> {
  const names = (await namesIn(join(folder, "denoised"))).filter((name) => !name.includes(".superseded."));
  const files = names
    .sort()
    .map(async (name) => [name, await readFile(join(folder, "denoised", name))] as const);
  return Object.fromEntries(await Promise.all(files));
}

const standing = /results stand here of which the ledger did not know/;

test("a job whose result stood when its daemon was killed is known from it, and is not done again", async (t) => {
  const folder = await temporaryFolder();
  await put(folder, { "a.tif": tinyTiff(7, 8, 9) });
  // What a kill -9 leaves: the result has its name, and the ledger says that the job runs.
  const killed = tellingEngine(() => cp(join(folder, "state"), join(folder, "killed"), { recursive: true }));
  await runUntilEnded(t, folder, killed.engine, ["a.tif"], configured({ done_file: true }));
  const before = await resultsOf(folder);
  await rm(join(folder, "denoised", "a.denoised.ome.tif.done.json"));
  const { engine, orders } = tellingEngine();
  const again = { ...configured({ done_file: true }), state: "killed" };
  const { endOf, lines } = await runUntilEnded(t, folder, engine, ["a.tif"], again);
  assert.deepEqual(orders, []);
  const after = await resultsOf(folder);
  assert.deepEqual(after["a.denoised.ome.tif"], before["a.denoised.ome.tif"]);
  const end = endOf("a.tif");
  assert.deepEqual([end["status"], end["output"], end["provider"]], ["done", "a.denoised.ome.tif", "cpu"]);
  assert.match(String(end["known_from_result"]), /^\d{4}-\d\d-\d\dT/);
  // How long the network took is not stated, so it is not told.
  assert.equal("network_s" in end, false);
  assert.equal(lines.filter((line) => standing.test(line)).length, 1);
  const done = JSON.parse(String(after["a.denoised.ome.tif.done.json"])) as Record<string, unknown>;
  assert.deepEqual(
    [done["result"], done["job"], done["source_sha256"]],
    ["a.denoised.ome.tif", end["id"], end["source_sha256"]],
  );
});

test("a result whose engine was lost before it told of it is known from it", async (t) => {
  const folder = await temporaryFolder();
  await put(folder, { "a.tif": tinyTiff(7) });
  const { engine, orders } = tellingEngine(async () => {
    throw machineError("the engine process was lost", { code: "engine-lost", retryable: true });
  });
  const { endOf } = await runUntilEnded(t, folder, engine, ["a.tif"], {
    jobs: { reserve_mib: 0, attempts: 3 },
  });
  assert.equal(orders.length, 1);
  const end = endOf("a.tif");
  assert.deepEqual([end["status"], typeof end["known_from_result"]], ["done", "string"]);
});

test("after a lost ledger what has a result is known from it, whatever its name, and only what has none is done", async (t) => {
  const folder = await temporaryFolder();
  const set = describedSet(3, "each").map(([name, bytes]) => [name, bytes] as const);
  await put(folder, {
    "a.tif": tinyTiff(1),
    "x.ome.tif": tinyTiff(2),
    "two.ome.tif": imagesInOne(2),
    ...Object.fromEntries(set),
  });
  const nd = { timePoints: 2, stages: ["p1", "p2"], waves: ["GFP", "RFP"] };
  await writeNdSet(join(folder, "incoming"), "m", nd);
  const first = tellingEngine();
  const earlier = ["a.tif", "x.ome.tif", "two.ome.tif", "two.ome.tif", "S_0.ome.tif", "m.nd", "m.nd"];
  await runUntilEnded(t, folder, first.engine, earlier);
  // Of two sources of one stem the later one has another name, which a new ledger would give to the other.
  await put(folder, { "x.tif": tinyTiff(3) });
  await runUntilEnded(t, folder, first.engine, ["x.tif"]);
  // Newer content of the same name: its result is `.r2`.
  await put(folder, { "a.tif": tinyTiff(4) });
  await runUntilEnded(t, folder, first.engine, ["a.tif"]);
  const before = await resultsOf(folder);
  assert.equal(Object.keys(before).length, 9);

  await rm(join(folder, "state"), { recursive: true });
  await put(folder, { "new.tif": tinyTiff(5) });
  const { engine, orders } = tellingEngine();
  const all = ["new.tif", "a.tif", "x.tif", ...earlier.slice(1)];
  const { endOf, lines, heard } = await runUntilEnded(t, folder, engine, all);
  assert.deepEqual(
    orders.map(({ input }) => input),
    [join(folder, "incoming", "new.tif")],
  );
  const { "new.denoised.ome.tif": made, ...others } = await resultsOf(folder);
  assert.ok(made !== undefined);
  assert.deepEqual(others, before);
  const outputs = ["a.tif", "x.tif", "x.ome.tif"].map((source) => endOf(source)["output"]);
  assert.deepEqual(outputs, ["a.r2.denoised.ome.tif", "x.tif.denoised.ome.tif", "x.denoised.ome.tif"]);
  const images = heard.flatMap(({ topic, payload }) =>
    /\/job\/[0-9a-f]{16}$/.test(topic) && payload["source"] === "two.ome.tif" && payload["status"] === "done"
      ? [payload["series"]]
      : [],
  );
  assert.deepEqual(images.sort(), [0, 1]);
  assert.equal(lines.filter((line) => standing.test(line)).length, 1);
});

test("after a lost ledger no result is replaced: newer content has a name of its own, and one that was made otherwise is left alone", async (t) => {
  const folder = await temporaryFolder();
  await put(folder, { "newer.tif": tinyTiff(1), "other.tif": tinyTiff(2), "cut.tif": tinyTiff(3, 4) });
  const first = tellingEngine();
  const sources = ["newer.tif", "other.tif", "cut.tif"];
  await runUntilEnded(t, folder, first.engine, sources, configured({ dtype: "float32" }));
  await rm(join(folder, "state"), { recursive: true });
  await truncate(join(folder, "denoised", "cut.denoised.ome.tif"), 300);
  const before = await resultsOf(folder);
  await put(folder, { "newer.tif": tinyTiff(9) });
  const { engine, orders } = tellingEngine();
  const { endOf } = await runUntilEnded(t, folder, engine, sources);
  assert.deepEqual(
    orders.map(({ output }) => output),
    [join(folder, "denoised", "newer.r2.denoised.ome.tif")],
  );
  const { "newer.r2.denoised.ome.tif": made, ...others } = await resultsOf(folder);
  assert.ok(made !== undefined);
  assert.deepEqual(others, before);
  assert.equal(endOf("other.tif")["status"], "skipped");
  assert.match(
    String(endOf("other.tif")["reason"]),
    /^its result other\.denoised\.ome\.tif stands already, made with another sample type \(float32\), and is left alone/,
  );
  assert.match(String(endOf("cut.tif")["reason"]), /a result of that name exists already and is left alone/);
});

test("a source that is known from its result leaves the folder as it would have", async (t) => {
  const folder = await temporaryFolder();
  const set = Object.fromEntries(describedSet(2, "companion"));
  await put(folder, { "a.tif": tinyTiff(1), ...set });
  const first = tellingEngine();
  await runUntilEnded(t, folder, first.engine, ["a.tif", "S.companion.ome"]);
  await rm(join(folder, "state"), { recursive: true });
  await mkdir(join(folder, "moved"));
  const { engine, orders } = tellingEngine();
  await runDaemon(t, folder, engine, configured({ after: { move: "moved" } }));
  const all = ["a.tif", ...Object.keys(set)].sort();
  await until("all have moved", async () => {
    const names = await namesIn(join(folder, "moved"));
    return names.length === all.length && names;
  });
  assert.deepEqual((await namesIn(join(folder, "moved"))).sort(), all);
  assert.deepEqual(orders, []);
});

/** Contents of `a.tif`, one after the other, each with its result. Answers the names of the results. */
async function contents(t: TestContext, folder: string, engine: Engine, ...values: readonly number[]) {
  for (const value of values) {
    await put(folder, { "a.tif": tinyTiff(value) });
    await runUntilEnded(t, folder, engine, ["a.tif"]);
  }
  return Object.keys(await resultsOf(folder));
}

test("after a lost ledger a source whose older results were removed is known from the one that is left", async (t) => {
  const folder = await temporaryFolder();
  await contents(t, folder, tellingEngine().engine, 1, 2, 3);
  for (const name of ["a.denoised.ome.tif", "a.r2.denoised.ome.tif"])
    await rm(join(folder, "denoised", name));
  await rm(join(folder, "state"), { recursive: true });
  const { engine, orders } = tellingEngine();
  const { endOf } = await runUntilEnded(t, folder, engine, ["a.tif"]);
  assert.deepEqual(orders, []);
  assert.equal(endOf("a.tif")["output"], "a.r3.denoised.ome.tif");
  // The next content has the next name, not one that became free.
  assert.deepEqual(await contents(t, folder, engine, 4), ["a.r3.denoised.ome.tif", "a.r4.denoised.ome.tif"]);
});

test("after a lost ledger a source whose first content came back is known from the result that was made last", async (t) => {
  const folder = await temporaryFolder();
  const all = await contents(t, folder, tellingEngine().engine, 1, 2, 1);
  assert.deepEqual(all, ["a.denoised.ome.tif", "a.r2.denoised.ome.tif", "a.r3.denoised.ome.tif"]);
  await rm(join(folder, "state"), { recursive: true });
  const { engine, orders } = tellingEngine();
  const { endOf } = await runUntilEnded(t, folder, engine, ["a.tif"]);
  assert.deepEqual(orders, []);
  assert.equal(endOf("a.tif")["output"], "a.r3.denoised.ome.tif");
});

/** What is marked as superseded, with the name of the result that did so. */
async function marksIn(folder: string): Promise<Record<string, string>> {
  const names = (await namesIn(join(folder, "denoised"))).filter((name) => name.endsWith(".superseded.json"));
  const said = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(folder, "denoised", name), "utf8"))),
  );
  return Object.fromEntries(said.map(({ result, superseded_by }) => [result, superseded_by.result]));
}

test("after a lost ledger all results of a source are marked but for that of the content that lies there now", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = tellingEngine();
  await contents(t, folder, engine, 1, 2);
  const [first, second] = ["a.denoised.ome.tif", "a.r2.denoised.ome.tif"];
  await rm(join(folder, "denoised", `${first}.superseded.json`), { force: true });
  await rm(join(folder, "state"), { recursive: true });
  await contents(t, folder, engine, 3);
  const third = "a.r3.denoised.ome.tif";
  assert.deepEqual(await marksIn(folder), { [first]: third, [second]: third });
  await rm(join(folder, "state"), { recursive: true });
  await contents(t, folder, engine, 1);
  assert.deepEqual(await marksIn(folder), { [second]: third, [third]: first });
});
