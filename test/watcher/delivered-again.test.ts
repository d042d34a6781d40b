import assert from "node:assert/strict";
import { chmod, mkdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { machineError } from "../../core/errors.ts";
import { copyingEngine } from "./copying-engine.ts";
import { namesIn } from "./names-in.ts";
import { quickSettle, repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

/** As `cp -p` does: a new file with the same bytes and the same time of change. */
async function deliver(folder: string): Promise<void> {
  const source = join(folder, "incoming", "a.tif");
  await mkdir(join(folder, "incoming"), { recursive: true });
  await rm(source, { force: true });
  await writeFile(source, tinyTiff(1));
  await utimes(source, 1_700_000_000, 1_700_000_000);
}

const when = {
  "at once": { down: false, pauseMs: 0 },
  "after some sweeps": { down: false, pauseMs: 1000 },
  "while the daemon is down": { down: true, pauseMs: 0 },
};

for (const [name, { down, pauseMs }] of Object.entries(when)) {
  test(`a skipped file that is delivered again ${name}, as it was, is done`, async (t) => {
    const folder = await temporaryFolder();
    const result = join(folder, "denoised", "a.denoised.ome.tif");
    await mkdir(join(folder, "denoised"));
    await writeFile(result, "somebody else's");
    await deliver(folder);
    const { engine } = copyingEngine();
    const first = await runDaemon(t, folder, engine);
    await until("it is skipped", () => first.lives("a.tif").includes("skipped"));
    if (down) await first.stop();
    await rm(result);
    if (pauseMs > 0) {
      await rm(join(folder, "incoming", "a.tif"));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    await deliver(folder);
    const last = down ? await runDaemon(t, folder, engine) : first;
    await until("it is done", () => last.lives("a.tif").includes("done"));
    assert.deepEqual(await namesIn(join(folder, "denoised")), ["a.denoised.ome.tif"]);
    assert.deepEqual(await readFile(result), tinyTiff(1));
  });
}

test("a parked file that is delivered again, as it was, has its attempts again; one that only lies there has not", async (t) => {
  const folder = await temporaryFolder();
  const broken = machineError("the engine process was lost", { code: "engine-lost", retryable: true });
  let lost = true;
  const { engine, orders } = copyingEngine({ fail: () => (lost ? broken : undefined) });
  const once = { jobs: { reserve_mib: 0, attempts: 1 } };
  await deliver(folder);
  const first = await runDaemon(t, folder, engine, once);
  await until("it is parked", () => first.lives("a.tif").includes("parked"));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await first.stop();
  const second = await runDaemon(t, folder, engine, once);
  await until("it is watched", () => second.said("folder/f/state").at(-1)?.["state"] === "watching");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.equal(orders.length, 1);
  lost = false;
  await deliver(folder);
  await until("it is done", () => second.lives("a.tif").includes("done"));
});

/** What is in the folder for finished sources after the same content was delivered twice, and how often it was denoised. */
async function moveTwice(t: TestContext, down: boolean): Promise<{ moved: string[]; runs: number }> {
  const folder = await temporaryFolder();
  const model = join(repository, "models/identity");
  const moving = {
    folders: [{ name: "f", path: "incoming", output: "denoised", model, after: "move: done" }],
  };
  const { engine, orders } = copyingEngine();
  await deliver(folder);
  const first = await runDaemon(t, folder, engine, moving);
  const isEmpty = async () => (await namesIn(join(folder, "incoming"))).length === 0;
  await until("it is moved", isEmpty);
  if (down) {
    // The end of the move is written down.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await first.stop();
  }
  await deliver(folder);
  if (down) await runDaemon(t, folder, engine, moving);
  await until("it is moved again", isEmpty);
  return { moved: (await namesIn(join(folder, "done"))).sort(), runs: orders.length };
}

test("a done file that is delivered again, as it was, is moved as well and not denoised again", async (t) => {
  for (const down of [false, true]) {
    assert.deepEqual(await moveTwice(t, down), { moved: ["a-2.tif", "a.tif"], runs: 1 });
  }
});

test("a done file whose middle alone was changed, in place and with its time of change kept, is new content, also after a restart", async (t) => {
  const folder = await temporaryFolder();
  const source = join(folder, "incoming", "a.tif");
  const { engine, orders } = copyingEngine();
  const content = (middle: number): Buffer =>
    Buffer.concat([tinyTiff(1), Buffer.alloc(150_000), Buffer.alloc(20_000, middle), Buffer.alloc(150_000)]);
  const overwrite = async (middle: number): Promise<void> => {
    await writeFile(source, content(middle));
    await utimes(source, 1_700_000_000, 1_700_000_000);
  };
  await mkdir(join(folder, "incoming"));
  await overwrite(1);
  const first = await runDaemon(t, folder, engine);
  const dones = (daemon: typeof first) => daemon.lives("a.tif").filter((status) => status === "done").length;
  await until("it is done", () => dones(first) === 1);
  await overwrite(2);
  await until("the other content is done", () => dones(first) === 2);
  await first.stop();
  await overwrite(3);
  const second = await runDaemon(t, folder, engine);
  await until("the third content is done", () => dones(second) === 1);
  // Only its rights were changed.
  await chmod(source, 0o640);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(orders.length, 3);
});

test("a black image that is done makes no other job when it is touched or delivered again, and its end stays as it was told", async (t) => {
  const folder = await temporaryFolder();
  const source = join(folder, "incoming", "a.tif");
  const { engine, orders } = copyingEngine();
  const settle = { ...quickSettle, zero_tail_s: 0.6, broken_s: 60 };
  const daemon = await runDaemon(t, folder, engine, { settle });
  await writeFile(source, tinyTiff(0));
  await until("it is done", () => daemon.lives("a.tif").includes("done"));
  const told = daemon.lives("a.tif").length;
  await utimes(source, new Date(), new Date());
  await sleep(2000);
  await rm(source);
  await sleep(500);
  await writeFile(source, tinyTiff(0));
  await sleep(2000);
  assert.deepEqual(daemon.lives("a.tif").slice(told), []);
  assert.equal(orders.length, 1);
  await daemon.stop();
  const again = await runDaemon(t, folder, engine, { settle });
  await until("its end is told again", () => again.said("job/last").length > 0);
  const { revision, status } = again.said("job/last")[0] ?? {};
  assert.deepEqual([revision, status], [1, "done"]);
});
