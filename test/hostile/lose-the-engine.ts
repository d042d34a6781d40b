import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openAcquisition } from "../../formats/open.ts";
import { repository } from "../watcher/running-daemon.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";
import { until } from "../watcher/until.ts";
import { startWatchedDaemon } from "./watched-daemon.ts";

/**
 * What becomes of jobs, and of the daemon's heartbeat, when the engine is lost: the real daemon, ONNX Runtime and
 * Mosquitto; only the thread that hangs is a stand-in. Linux, about six minutes.
 *
 *     node --import tsx test/hostile/lose-the-engine.ts
 *
 * Prints a table, and ends with an error where something did not end as designed.
 */

const folder = await temporaryFolder();
const hang = join(folder, "hang");
const preload = pathToFileURL(join(import.meta.dirname, "programs/hang-where-told.js"));
const daemon = await startWatchedDaemon(folder, {
  NODE_OPTIONS: `--import ${preload.href}`,
  CNNT_EDGE_TEST_HANG: hang,
});
const rows: string[] = [];
const jobMs = 300_000;

const stack = simulated("24,256,256", 3);
const twoTimes = simulated("2,1,8,128,128", 4);

const whole = await part("undisturbed", async () => {
  const job = await done("undisturbed.ome.tif", stack);
  assert.equal(job.attempt, 1);
  return { told: "done", value: await samplesOf(daemon.resultOf(job)) };
});

await part("kill -9 of the engine in mid-job", async () => {
  const name = "killed.ome.tif";
  const pid = await daemon.enginePid();
  await daemon.land(stack, name);
  await until("the network is at work", () => partialResult(), jobMs);
  process.kill(pid, "SIGKILL");
  const job = await daemon.ended(name, jobMs);
  assert.deepEqual([job.status, job.attempt], ["done", 2]);
  assert.deepEqual(await samplesOf(daemon.resultOf(job)), whole, "the same samples as undisturbed");
  return { told: "done at attempt 2, samples equal to undisturbed", value: undefined };
});

await part("a network that hangs in a tile", async () => {
  const name = "hanging.ome.tif";
  writeFileSync(hang, "");
  await daemon.land(twoTimes, name);
  const job = await daemon.ended(name, jobMs);
  rmSync(hang);
  assert.deepEqual([job.status, job.attempt, job.error?.code], ["parked", 2, "network-stuck"]);
  assert.equal(partialResult(), false, "nothing half written is left");
  const next = await done("after-hanging.ome.tif", twoTimes);
  assert.equal(next.attempt, 1);
  return { told: "killed twice at the deadline, parked at attempt 2; the next job done", value: undefined };
});

const cgroup = limitingCgroup(400 * 2 ** 20);
if (cgroup === undefined) process.stderr.write("skipped: no memory cgroup can be made here\n");
else {
  await part("the kernel's OOM killer (memory cgroup)", async () => {
    const pid = await daemon.enginePid();
    const told = await doneWithSmallerTiles("oom.ome.tif", "engine-memory", async () => {
      // After the plan, which keeps to a limit that stands before.
      await until("tiles are planned", partialResult, jobMs);
      cgroup.add(pid);
    });
    return { told, value: undefined };
  });
  await forgetTiles();
}

await part("an allocation that fails inside ONNX Runtime (RLIMIT_DATA)", async () => {
  const pid = await daemon.enginePid();
  limitData(pid, dataBytes(pid) + 350 * 2 ** 20);
  const told = await doneWithSmallerTiles("little-memory.ome.tif", "tile-too-large");
  return { told, value: undefined };
});

const heartbeatMs = 1000 * (daemon.states.at(-1)?.body.heartbeat_s ?? 0);
process.stdout.write(`heartbeat each ${heartbeatMs / 1000} s\n${rows.join("\n")}\n`);
assert.equal(await daemon.stop(), 0);

/** Runs one part and notes how it ended, how long it took, and the longest silence of the heartbeat meanwhile. */
async function part<Value>(name: string, act: () => Promise<{ told: string; value: Value }>): Promise<Value> {
  process.stderr.write(`${name} ...\n`);
  const beganMs = performance.now();
  try {
    const { told, value } = await act();
    const endedMs = performance.now();
    const beatMs = 1000 * (daemon.states.at(-1)?.body.heartbeat_s ?? 0);
    const beats = daemon.states.map(({ atMs }) => atMs);
    const last = beats.filter((atMs) => atMs <= beganMs).at(-1) ?? beganMs;
    const during = [last, ...beats.filter((atMs) => atMs > beganMs && atMs <= endedMs), endedMs];
    const silenceMs = Math.max(...during.slice(1).map((atMs, i) => atMs - (during[i] ?? atMs)));
    assert.ok(silenceMs < 2 * beatMs, `the heartbeat was silent for ${silenceMs} ms`);
    rows.push(
      `| ${name} | ${told} | ${((endedMs - beganMs) / 1000).toFixed(0)} s | ${during.length - 2} | ${(silenceMs / beatMs).toFixed(2)} |`,
    );
    return value;
  } catch (error) {
    process.stderr.write(`${daemon.output()}\n`);
    throw error;
  }
}

async function done(name: string, file: string) {
  await daemon.land(file, name);
  const job = await daemon.ended(name, jobMs);
  assert.equal(job.status, "done", JSON.stringify(job.error));
  return job;
}

/** A job that runs out of memory, and the next one, which plans small at once: notes and log tell of both. */
async function doneWithSmallerTiles(
  name: string,
  code: string,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<string> {
  const [job] = await Promise.all([done(name, stack), meanwhile()]);
  assert.match((job.notes ?? []).join("\n"), /ran out of memory|memory was too small/);
  assert.match(daemon.output(), new RegExp(`"code":"${code}"`));
  const differences = [await differenceFromWhole(daemon.resultOf(job))];
  // Memory is there again for the next one, which is not tempted by it.
  limitData(await daemon.enginePid(), "unlimited");
  const next = await done(`next-${name}`, stack);
  assert.equal(next.attempt, 1);
  assert.match((next.notes ?? []).join("\n"), /tiles were kept small/);
  assert.doesNotMatch((next.notes ?? []).join("\n"), /memory was too small/);
  for (const { tile } of [job, next]) assert.ok(voxelsOf(tile) < whole.length, `tiles of ${tile}`);
  differences.push(await differenceFromWhole(daemon.resultOf(next)));
  for (const difference of differences) assert.ok(difference < 0.02, `RMS ${difference} of the range`);
  const [first, second] = [job, next].map(({ tile }) => (tile ?? []).join(" x "));
  const rms = differences.map((difference) => `${(100 * difference).toFixed(2)} %`).join(" and ");
  return `done at attempt ${job.attempt} in tiles of ${first}, the next job at once in ${second}; RMS difference from one tile ${rms} of the range`;
}

function voxelsOf(tile: readonly number[] = []): number {
  return tile.reduce((product, side) => product * side, 1);
}

/** RMS, as a share of the largest minus the smallest sample: tiles see less of the stack than one tile does. */
async function differenceFromWhole(file: string): Promise<number> {
  const samples = await samplesOf(file);
  const squares = samples.reduce((sum, sample, i) => sum + (sample - (whole[i] ?? 0)) ** 2, 0);
  const range =
    whole.reduce((most, sample) => Math.max(most, sample), 0) -
    whole.reduce((least, sample) => Math.min(least, sample), 65535);
  return Math.sqrt(squares / whole.length) / range;
}

/** A new engine that knows nothing of tiles that were too large. */
async function forgetTiles(): Promise<void> {
  process.kill(await daemon.enginePid(), "SIGKILL");
  rmSync(join(folder, "state/tile-memory.json"));
  await done("forget.ome.tif", twoTimes);
}

function partialResult(): boolean {
  const denoised = join(folder, "denoised");
  return existsSync(denoised) && readdirSync(denoised).some((name) => name.endsWith(".ome.tif.partial"));
}

/** Bytes of private writable memory, which RLIMIT_DATA counts; what V8 only reserves is not in it. */
function dataBytes(pid: number): number {
  const [, kib = "0"] = /VmData:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1024;
}

function limitData(pid: number, limit: number | "unlimited"): void {
  const { status } = spawnSync("prlimit", ["--pid", String(pid), `--data=${limit}:unlimited`]);
  assert.equal(status, 0, "prlimit of util-linux");
}

/** A group of version 1 or 2 whose processes the kernel kills when they take more; undefined where that needs rights. */
function limitingCgroup(bytes: number): { add: (pid: number) => void } | undefined {
  const name = `cnnt-edge-${process.pid}`;
  for (const [root, limit] of [
    ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
    ["/sys/fs/cgroup", "memory.max"],
  ] as const) {
    try {
      const group = join(root, name);
      mkdirSync(group);
      process.on("exit", () => rmdirSync(group));
      writeFileSync(join(group, limit), String(bytes));
      return { add: (pid) => writeFileSync(join(group, "cgroup.procs"), String(pid)) };
    } catch {}
  }
  return undefined;
}

function simulated(shape: string, seed: number): string {
  const program = join(repository, "bin/cnnt-edge.js");
  const { stdout } = spawnSync(process.execPath, [
    program,
    "simulate",
    "--out",
    folder,
    "--shape",
    shape,
    "--seed",
    String(seed),
  ]);
  return stdout.toString().trim();
}

async function samplesOf(file: string): Promise<Uint16Array> {
  const source = await openAcquisition(file);
  const { t, c, z, y, x } = source.acquisition.sizes;
  const all = new Uint16Array(t * c * z * y * x);
  let at = 0;
  for (let time = 0; time < t; time += 1) {
    for (let plane = 0; plane < z; plane += 1) {
      const samples = await source.readPlane({ t: time, c: 0, z: plane });
      all.set(samples, at);
      at += samples.length;
    }
  }
  await source.close();
  return all;
}
