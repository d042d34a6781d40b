import assert from "node:assert/strict";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { machineError } from "../../core/errors.ts";
import { messageKinds } from "../../core/messages.ts";
import { copyingEngine } from "./copying-engine.ts";
import { namesIn } from "./names-in.ts";
import { quickSettle, repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

test("files that were there, that come, and that come while it is down are each done once", async (t) => {
  const folder = await temporaryFolder();
  const incoming = join(folder, "incoming");
  await mkdir(incoming);
  await writeFile(join(incoming, "before.tif"), tinyTiff(1));
  const { engine, orders } = copyingEngine();

  const first = await runDaemon(t, folder, engine);
  await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      writeFile(join(incoming, `burst ${index}.tif`), tinyTiff(index + 1)),
    ),
  );
  await until(
    "13 jobs are done",
    () => first.said("job/last").filter(({ status }) => status === "done").length >= 13,
  );
  assert.deepEqual(first.lives("before.tif").slice(-2), ["running", "done"]);
  await first.stop();
  assert.equal(first.said("state").at(-1)?.["reason"], "stopped");

  await writeFile(join(incoming, "while down.tif"), tinyTiff(99));
  const second = await runDaemon(t, folder, engine);
  await until("the new one is done", () => second.lives("while down.tif").includes("done"));
  await second.stop();

  const sources = orders.map(({ input }) => input);
  assert.equal(sources.length, 14);
  assert.equal(new Set(sources).size, 14);
  assert.equal((await namesIn(join(folder, "denoised"))).length, 14);
  assert.deepEqual(await readFile(join(folder, "denoised", "while down.denoised.ome.tif")), tinyTiff(99));

  for (const { topic, payload } of [...first.heard, ...second.heard]) {
    const below = topic.replace("cnnt-edge/t/", "");
    const kind = Object.values(messageKinds).find((one) =>
      new RegExp(`^${one.topic.replace(/\{\w+\}/, "[^/]+")}$`).test(below),
    );
    assert.ok(kind, topic);
    const checked = (below === "job/last" ? messageKinds.jobLast : kind).schema.safeParse(payload);
    assert.ok(checked.success, `${topic}: ${JSON.stringify(checked.error?.issues)}`);
  }
});

test("a container, a broken file and a good one: each has its end, with a remedy where one is needed", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  // On a busy machine the looks lie further apart than a second, and it would not be said to wait.
  const settle = { ...quickSettle, broken_s: 5 };
  const { lives, said, heard } = await runDaemon(t, folder, engine, { settle });
  const incoming = join(folder, "incoming");
  await writeFile(join(incoming, "a.czi"), "zeiss");
  await writeFile(join(incoming, "cut.tif"), tinyTiff(1).subarray(0, 60));
  await writeFile(join(incoming, "good.tif"), tinyTiff(1));
  await until("all have ended", () => said("job/last").length >= 3);
  assert.deepEqual(lives("a.czi"), ["failed"]);
  assert.deepEqual(lives("cut.tif"), ["waiting", "failed"]);
  assert.deepEqual(lives("good.tif"), ["queued", "running", "done"]);
  const ends = heard.filter(
    ({ topic, payload }) => topic.includes("/job/") && payload["status"] === "failed",
  );
  for (const { payload } of ends) assert.match(JSON.stringify(payload["error"]), /"remedy":"./);
  assert.ok(!JSON.stringify(heard).includes(folder), "an absolute path has left");
});

test("stem collisions and results inside the watch folder: nothing overwritten, nothing in a loop", async (t) => {
  const folder = await temporaryFolder();
  const { engine, orders } = copyingEngine();
  const model = join(repository, "models/identity");
  const { said } = await runDaemon(t, folder, engine, {
    folders: [{ name: "f", path: "incoming", output: "incoming/denoised", model }],
  });
  await mkdir(join(folder, "incoming", "day"));
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await writeFile(join(folder, "incoming", "a.ome.tif"), tinyTiff(2));
  await writeFile(join(folder, "incoming", "day", "a.tif"), tinyTiff(3));
  await until("three are done", () => said("job/last").length >= 3);
  // A few sweeps more: a loop would show.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  assert.equal(orders.length, 3);
  const names = (await namesIn(join(folder, "incoming", "denoised"), { recursive: true })).sort();
  assert.equal(names.length, 4);
  assert.ok(names.includes("day/a.denoised.ome.tif") && names.includes("a.denoised.ome.tif"));
});

test("a model that fails its own test stops its folder with the remedy; the other goes on", async (t) => {
  const folder = await temporaryFolder();
  const bad = join(folder, "bad-model");
  await cp(join(repository, "models/identity"), bad, { recursive: true });
  const expected = await readFile(join(bad, "test_output.npy"));
  expected.writeFloatLE(1e6, expected.length - 4);
  await writeFile(join(bad, "test_output.npy"), expected);
  await mkdir(join(folder, "other"));
  const { engine } = copyingEngine();
  const { said, lives } = await runDaemon(t, folder, engine, {
    folders: [
      { name: "bad", path: "other", output: "denoised-other", model: "bad-model" },
      { name: "good", path: "incoming", output: "denoised", model: join(repository, "models/identity") },
    ],
  });
  await writeFile(join(folder, "other", "x.tif"), tinyTiff(1));
  await writeFile(join(folder, "incoming", "y.tif"), tinyTiff(1));
  await until("the good folder's job is done", () => lives("y.tif").includes("done"));
  const state = await until("the bad folder says so", () =>
    said("folder/bad/state").findLast((one) => one["state"] === "error"),
  );
  assert.match(String(state["remedy"]), /./);
  await until(
    "the daemon says that something needs a person",
    () => said("state").at(-1)?.["state"] === "degraded",
  );
  await until("the bad folder's file waits in the queue", () => lives("x.tif").includes("queued"));
  assert.ok(!lives("x.tif").includes("running"));
});

test("a full disk stops the folder, and it goes on by itself", async (t) => {
  const folder = await temporaryFolder();
  let full = true;
  const { engine } = copyingEngine({
    fail: () => (full ? machineError("the disk is full", { code: "disk-full", retryable: true }) : undefined),
  });
  const { said, lives, lines } = await runDaemon(t, folder, engine);
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the folder is full", () => said("folder/f/state").some(({ state }) => state === "full"));
  await until("it was tried again", () => lives("a.tif").filter((status) => status === "running").length > 1);
  // The log tells it once, and speaks of no room that nobody made.
  const told = lines.filter((line) => /full|room/.test(line));
  assert.equal(told.length, 1, told.join("\n"));
  assert.match(told[0] ?? "", /the folder waits, because its disk is full: the disk is full/);
  full = false;
  await until("the job is done", () => lives("a.tif").includes("done"));
  assert.equal(lives("a.tif").filter((status) => status === "done").length, 1);
  assert.ok(lives("a.tif").includes("waiting"));
});

test("a job that finds no room holds its folder no longer than its source is there", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  const { said, lives, lines } = await runDaemon(t, folder, engine, { jobs: { reserve_mib: 1e9 } });
  await writeFile(join(folder, "incoming", "huge.tif"), tinyTiff(1));
  await until("the folder is full", () => said("folder/f/state").at(-1)?.["state"] === "full");
  await rm(join(folder, "incoming", "huge.tif"));
  await until("its job has ended", () => lives("huge.tif").includes("skipped"));
  await until("the folder goes on", () => said("folder/f/state").at(-1)?.["state"] !== "full");
  assert.deepEqual(
    lines.filter((line) => /room/.test(line) && !/waits/.test(line)),
    ["f: what needed the room is gone"],
  );
});

test("an engine that is lost again and again parks the job; the next one runs", async (t) => {
  const folder = await temporaryFolder();
  const lost = machineError("the engine process was lost", { code: "engine-lost", retryable: true });
  const { engine, orders } = copyingEngine({
    fail: (job) => (job.input.endsWith("poison.tif") ? lost : undefined),
  });
  const { lives } = await runDaemon(t, folder, engine, { jobs: { reserve_mib: 0, attempts: 2 } });
  await writeFile(join(folder, "incoming", "poison.tif"), tinyTiff(1));
  await until("it is parked", () => lives("poison.tif").includes("parked"));
  // A later attempt may meet what an earlier one left, and replaces nothing else.
  assert.deepEqual(
    orders.map(({ overwrite }) => overwrite),
    [false, "own"],
  );
  await writeFile(join(folder, "incoming", "good.tif"), tinyTiff(1));
  await until("the good one is done", () => lives("good.tif").includes("done"));
});

test("a folder that vanishes is unreachable, and is found again", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  const { said, lives } = await runDaemon(t, folder, engine);
  const states = () => said("folder/f/state").map(({ state }) => state);
  await until("it is watched", () => states().includes("watching"));
  await rm(join(folder, "incoming"), { recursive: true });
  await until("it is unreachable", () => states().at(-1) === "unreachable");
  await mkdir(join(folder, "incoming"));
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the file is done", () => lives("a.tif").includes("done"));
  await until("it says so", () => states().at(-1) === "watching");
});

test("sources are moved after their result, and another file's name there is left alone", async (t) => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "done"));
  await writeFile(join(folder, "done", "a.tif"), "somebody else's");
  const { engine } = copyingEngine();
  await runDaemon(t, folder, engine, {
    folders: [
      {
        name: "f",
        path: "incoming",
        output: "denoised",
        model: join(repository, "models/identity"),
        after: "move: done",
      },
    ],
  });
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(5));
  const moved = join(folder, "done", "a-2.tif");
  assert.deepEqual(await until("it is moved", () => readFile(moved).catch(() => undefined)), tinyTiff(5));
  assert.equal(await readFile(join(folder, "done", "a.tif"), "utf8"), "somebody else's");
  // The second name is given before the first one goes.
  await until("the source is gone", async () => (await namesIn(join(folder, "incoming"))).length === 0);
});

test("a stop rolls the running job back when it takes too long, and the next start does it", async (t) => {
  const folder = await temporaryFolder();
  const slow = copyingEngine({ jobMs: 60_000 });
  const first = await runDaemon(t, folder, slow.engine, { shutdown: { finish_s: 0.1 } });
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("it runs", () => first.lives("a.tif").includes("running"));
  await first.stop();
  assert.deepEqual(await namesIn(join(folder, "denoised")), []);
  assert.deepEqual(
    first
      .said("state")
      .map(({ state }) => state)
      .slice(-2),
    ["draining", "offline"],
  );
  const second = await runDaemon(t, folder, copyingEngine().engine);
  await until("it is done", () => second.lives("a.tif").includes("done"));
});
