import assert from "node:assert/strict";
import { cp, mkdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { formatError, machineError, usageError } from "../../core/errors.ts";
import { withoutDiskName } from "../../watcher/folder-io/mounted-disk.ts";
import { openLedger } from "../../watcher/ledger/ledger.ts";
import { copyingEngine } from "./copying-engine.ts";
import { type RunningDaemon, repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

/** The folder says what is wrong and what to do, and the daemon that somebody is needed. */
async function isHeld({ said }: RunningDaemon, reason: RegExp): Promise<void> {
  const state = await until("the folder is held", () =>
    said("folder/f/state").findLast((one) => one["state"] === "error"),
  );
  assert.match(String(state["reason"]), reason);
  assert.match(String(state["remedy"]), /goes on by itself/i);
  await until("the daemon is degraded", () => said("state").at(-1)?.["state"] === "degraded");
}

async function isDoneAtFirst({ lives, heard, said }: RunningDaemon, source: string): Promise<void> {
  await until("the job is done", () => lives(source).includes("done"));
  for (const status of ["failed", "parked", "skipped"]) assert.ok(!lives(source).includes(status), status);
  const end = heard.find(({ payload }) => payload["source"] === source && payload["status"] === "done");
  assert.equal(end?.payload["attempt"], 1);
  await until("all is well again", () => said("state").at(-1)?.["state"] === "online");
}

test("a job that meets a disk gone read-only goes back without an attempt, and its folder is held", async (t) => {
  const folder = await temporaryFolder();
  const output = join(folder, "denoised");
  let breakIt: (() => Promise<void>) | undefined = async () => {
    breakIt = undefined;
    await rename(output, `${output}-away`);
    await writeFile(output, "in the way");
  };
  const { engine } = copyingEngine({ fail: () => undefined });
  const breaking = {
    ...engine,
    denoise: async (...order: Parameters<typeof engine.denoise>) => {
      if (breakIt !== undefined) {
        await breakIt();
        throw machineError("the disk is mounted read-only", { code: "read-only-disk" });
      }
      return engine.denoise(...order);
    },
  };
  const daemon = await runDaemon(t, folder, breaking, { jobs: { reserve_mib: 0, attempts: 1 } });
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await isHeld(daemon, /there is a file in place of the folder for results/);
  assert.ok(daemon.lives("a.tif").includes("running"));
  await rm(output);
  await rename(`${output}-away`, output);
  await isDoneAtFirst(daemon, "a.tif");
});

test("one result that cannot be written does not hold the others", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine({
    fail: (job) =>
      job.input.endsWith("bad.tif")
        ? machineError("writing there is not permitted", { code: "write-denied" })
        : undefined,
  });
  const daemon = await runDaemon(t, folder, engine, { jobs: { reserve_mib: 0, attempts: 1 } });
  await writeFile(join(folder, "incoming", "bad.tif"), tinyTiff(1));
  await until("the bad one is parked", () => daemon.lives("bad.tif").includes("parked"));
  await writeFile(join(folder, "incoming", "good.tif"), tinyTiff(2));
  await until("the good one is done", () => daemon.lives("good.tif").includes("done"));
});

test("a file in place of a subfolder for results holds the folder until it is gone", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  const daemon = await runDaemon(t, folder, engine, {
    folders: [
      {
        name: "f",
        path: "incoming",
        output: "denoised",
        model: join(repository, "models/identity"),
        subfolders: true,
      },
    ],
  });
  const inTheWay = join(folder, "denoised", "day");
  await mkdir(join(folder, "denoised"), { recursive: true });
  await writeFile(inTheWay, "");
  await mkdir(join(folder, "incoming", "day"));
  await writeFile(join(folder, "incoming", "day", "a.tif"), tinyTiff(1));
  await isHeld(daemon, /day: there is a file in place of the folder for results/);
  assert.equal(daemon.lines.filter((line) => line.includes("in place of the folder")).length, 1);
  await rm(inTheWay);
  await isDoneAtFirst(daemon, "day/a.tif");
});

test("a folder that is held for a subfolder of its results goes on once what needed that subfolder is gone", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  await mkdir(join(folder, "incoming", "day"), { recursive: true });
  await mkdir(join(folder, "denoised"));
  await writeFile(join(folder, "denoised", "day"), "");
  const model = join(repository, "models/identity");
  const daemon = await runDaemon(t, folder, engine, {
    folders: [{ name: "f", path: "incoming", output: "denoised", model, subfolders: true }],
  });
  await writeFile(join(folder, "incoming", "day", "a.tif"), tinyTiff(1));
  await isHeld(daemon, /in place of the folder for results/);
  await rm(join(folder, "incoming", "day", "a.tif"));
  await writeFile(join(folder, "incoming", "b.tif"), tinyTiff(2));
  await isDoneAtFirst(daemon, "b.tif");
  await until("the other is skipped", () => daemon.lives("day/a.tif").at(-1) === "skipped");
});

test("a folder in place of a result fails that job alone, which is done once the folder is gone and the source touched", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  const inTheWay = join(folder, "denoised", "a.denoised.ome.tif");
  await mkdir(inTheWay, { recursive: true });
  const daemon = await runDaemon(t, folder, engine);
  const source = join(folder, "incoming", "a.tif");
  await writeFile(source, tinyTiff(1));
  await writeFile(join(folder, "incoming", "b.tif"), tinyTiff(2));
  await until("the one fails", () => daemon.lives("a.tif").includes("failed"));
  await until("the other is done", () => daemon.lives("b.tif").includes("done"));
  const { payload } = daemon.heard.find((one) => one.payload["status"] === "failed") ?? assert.fail();
  const { message, remedy } = payload["error"] as { message: string; remedy: string };
  assert.match(message, /^a\.denoised\.ome\.tif: a folder has that name$/);
  assert.match(remedy, /^Move that folder away, and touch the source/);
  await rm(inTheWay, { recursive: true });
  const now = new Date();
  await utimes(source, now, now);
  await until("it is done", () => daemon.lives("a.tif").includes("done"));
});

test("an output whose disk was mounted at the last run and is not at this start is held, and nothing is made there", async (t) => {
  const folder = await temporaryFolder();
  const disk = join(folder, "disk");
  await mkdir(disk);
  const ledger = await openLedger(join(folder, "state"), assert.fail);
  await ledger.rememberMountPoint("f", join(disk, "denoised"), disk);
  await ledger.close();
  const { engine } = copyingEngine();
  const daemon = await runDaemon(t, folder, engine, {
    folders: [
      {
        name: "f",
        path: "incoming",
        output: "disk/denoised",
        model: join(repository, "models/identity"),
      },
    ],
  });
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await isHeld(daemon, /the disk of the results seems not to be mounted/);
  await until("the job waits in the queue", () => daemon.lives("a.tif").includes("queued"));
  assert.ok(!daemon.lives("a.tif").includes("running"));
  await mkdir(join(disk, "denoised"));
  await writeFile(join(disk, "denoised", withoutDiskName), "");
  await isDoneAtFirst(daemon, "a.tif");
});

test("a model that goes while a job runs holds its folder, not the job, whoever notices first", async (t) => {
  const folder = await temporaryFolder();
  const model = join(folder, "model");
  await cp(join(repository, "models/identity"), model, { recursive: true });
  const { engine } = copyingEngine();
  let breakIt: (() => Promise<unknown>) | undefined;
  const breaking = {
    ...engine,
    denoise: async (...order: Parameters<typeof engine.denoise>) => {
      if (breakIt === undefined) return engine.denoise(...order);
      await breakIt();
      throw usageError("there is no such model folder", { code: "package-missing", file: model });
    },
  };
  const daemon = await runDaemon(t, folder, breaking, {
    folders: [{ name: "f", path: "incoming", output: "denoised", model: "model" }],
    jobs: { reserve_mib: 0, attempts: 1 },
  });
  const goes = () => rename(model, `${model}-away`);
  const comes = () => rename(`${model}-away`, model);
  const seenByTheClock = async () => {
    await goes();
    await isHeld(daemon, /there is no such model folder/);
  };
  for (const [name, how] of Object.entries({ "job.tif": goes, "clock.tif": seenByTheClock })) {
    const before = daemon.said("folder/f/state").length;
    breakIt = how;
    await writeFile(join(folder, "incoming", name), tinyTiff(name.length));
    await until("the job is put back", () => daemon.lives(name).slice(-2).join() === "running,queued");
    const errors = () =>
      daemon
        .said("folder/f/state")
        .slice(before)
        .filter(({ state }) => state === "error");
    await until("the folder is held", () => errors().length > 0);
    breakIt = undefined;
    await comes();
    await isDoneAtFirst(daemon, name);
  }
});

test("a model that is damaged at the start is looked at again, and what waited for it is done", async (t) => {
  const folder = await temporaryFolder();
  const model = join(folder, "model");
  await cp(join(repository, "models/identity"), model, { recursive: true });
  const whole = await readFile(join(model, "model.onnx"));
  await writeFile(join(model, "model.onnx"), whole.subarray(0, whole.length / 2));
  const { engine } = copyingEngine();
  const daemon = await runDaemon(t, folder, engine, {
    folders: [{ name: "f", path: "incoming", output: "denoised", model: "model" }],
  });
  assert.equal((await daemon.daemon.warm).engine, undefined);
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await isHeld(daemon, /not the one that the description names/);
  await until("the job waits in the queue", () => daemon.lives("a.tif").includes("queued"));
  await writeFile(join(model, "model.onnx"), whole);
  await isDoneAtFirst(daemon, "a.tif");
});

test("an engine that cannot start for one folder's model is replaced by one that runs the other's", async (t) => {
  const folder = await temporaryFolder();
  const model = join(folder, "model");
  await cp(join(repository, "models/identity"), model, { recursive: true });
  await mkdir(join(folder, "other"));
  let unfit = false;
  const { engine } = copyingEngine({
    fail: () =>
      unfit ? formatError("the model is not the one", { code: "package-hash-mismatch" }) : undefined,
  });
  const replaceable = {
    ...engine,
    stop: async () => {
      unfit = false;
    },
  };
  const daemon = await runDaemon(t, folder, replaceable, {
    folders: [
      { name: "f", path: "incoming", output: "denoised", model: "model" },
      { name: "good", path: "other", output: "good", model: join(repository, "models/identity") },
    ],
  });
  await daemon.daemon.warm;
  await rm(join(model, "test_input.npy"));
  unfit = true;
  await writeFile(join(folder, "other", "x.tif"), tinyTiff(1));
  await until("the good folder's job is done", () => daemon.lives("x.tif").includes("done"));
  assert.ok(!daemon.lives("x.tif").includes("failed"));
  await isHeld(daemon, /a file that the description names is missing/);
});
