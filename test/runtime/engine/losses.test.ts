import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { encodeNpy } from "../../../formats/npy.ts";
import { type EngineOptions, startEngine } from "../../../runtime/engine/host.ts";
import { ranOutOfMemory } from "../../../runtime/engine/out-of-memory.ts";
import { createTileDeadline } from "../../../runtime/engine/tile-deadline.ts";
import type { Engine } from "../../../runtime/job/denoise-job.ts";

/** The real engine process with a network that hangs, crashes or finds no memory. */

const shipped = resolve(import.meta.dirname, "../../../models/default");
const identity = resolve(import.meta.dirname, "../../../models/identity");
const scratch = mkdtempSync(join(tmpdir(), "losses-"));
const engines: Engine[] = [];
after(async () => {
  await Promise.all(engines.map((engine) => engine.stop(0)));
  rmSync(scratch, { recursive: true });
});

const input = join(scratch, "in.npy");
const stack = Float32Array.from({ length: 7 * 256 * 256 }, (_, i) => i % 251);
writeFileSync(input, encodeNpy({ shape: [7, 256, 256], data: stack }));

function start(act: string, options: Partial<EngineOptions> = {}): Engine {
  const engine = startEngine({
    models: [shipped],
    providers: ["cpu"],
    env: { ...process.env, CNNT_EDGE_TEST_NETWORK: act },
    networkProgram: new URL("./programs/failing-network.js", import.meta.url),
    tileLimits: { firstRunMs: 4000, floorMs: 4000, factor: 2 },
    ...options,
  });
  engines.push(engine);
  return engine;
}

let folders = 0;
/** A job with a results folder of its own. */
function job() {
  folders += 1;
  const out = mkdtempSync(join(scratch, `${folders}-`));
  return { out, order: { input, output: join(out, "r.ome.tif"), models: { default: shipped } } };
}

function gone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

test("an engine whose network hangs in a tile is killed, and leaves nothing half written", async () => {
  const engine = start("hang");
  const { pid } = await engine.ready();
  const { out, order } = job();
  await assert.rejects(engine.denoise(order), { code: "network-stuck", retryable: true, message: /stuck/ });
  assert.deepEqual(readdirSync(out), []);
  assert.ok(gone(pid));
  assert.notEqual((await engine.ready()).pid, pid);
});

test("a network that crashes costs the engine process and the job", async () => {
  const engine = start("crash");
  await engine.ready();
  await assert.rejects(engine.denoise(job().order), { code: "engine-lost", found: /SIGSEGV/ });
});

test("tiles for which memory is too small are halved, the result says so, and the next job begins anew", async () => {
  const told: string[] = [];
  const onTileTooLarge = (note: string): void => void told.push(note);
  const engine = start("little-memory", { onTileTooLarge });
  const first = await engine.denoise(job().order);
  assert.match(told[0] ?? "", /^memory was too small on cpu for tiles of 7,256,256/);
  const voxelsOf = (tile: readonly number[]): number => tile.reduce((product, side) => product * side, 1);
  assert.ok(voxelsOf(first.tile) <= 300_000, `tile ${first.tile}`);
  assert.match(first.notes.join("\n"), /memory was too small on cpu for tiles of [\d,]+: smaller/);
  const second = await engine.denoise(job().order);
  assert.deepEqual(second.tile, first.tile);
  assert.match(second.notes.join("\n"), /memory was too small on cpu for tiles of 7,256,256/);
});

test("a process that the kernel or a failed allocation ends costs one try: the next one has half the tile", async () => {
  const told: string[] = [];
  const engine = start("die-of-memory", { onTileTooLarge: (note) => told.push(note) });
  const { out, order } = job();
  await assert.rejects(engine.denoise(order), {
    code: "engine-memory",
    retryable: true,
    message: "the engine process ran out of memory",
    found: "ended by SIGABRT; its last output: what():  std::bad_alloc",
  });
  assert.deepEqual(
    readdirSync(out).filter((name) => !name.endsWith(".partial")),
    [],
  );
  const again = await engine.denoise({ ...order, overwrite: true });
  assert.ok(
    again.tile.reduce((product, side) => product * side, 1) <= stack.length / 2,
    `tile ${again.tile}`,
  );
  assert.match(again.notes.join("\n"), /tiles were made smaller: larger ones ran out of memory/);
  assert.deepEqual(told, [], "nothing was tried twice in one process");
});

test("lack of memory is told from other ends: by the kernel's count, or by what the program said itself", () => {
  const end = { signal: "SIGKILL", killedByUs: false, stderr: "" } as const;
  const nobody = { before: 3, after: 3 };
  assert.equal(ranOutOfMemory(end, { before: 3, after: 4 }), true);
  assert.equal(ranOutOfMemory(end, nobody), false, "a person's kill -9");
  assert.equal(
    ranOutOfMemory({ ...end, stderr: "Failed to allocate memory" }, nobody),
    false,
    "of a tile that was answered long ago",
  );
  assert.equal(ranOutOfMemory({ ...end, killedByUs: true }, { before: 3, after: 4 }), false);
  const aborted = { ...end, signal: "SIGABRT" } as const;
  assert.equal(ranOutOfMemory({ ...aborted, stderr: "what():  std::bad_alloc" }, nobody), true);
  assert.equal(ranOutOfMemory({ ...aborted, stderr: "Napi::Error" }, nobody), false);
});

test("where no tile is small enough the job fails by name, and tiles asked for are not changed", async () => {
  const engine = start("no-memory");
  const { out, order } = job();
  await assert.rejects(engine.denoise(order), { code: "network-memory" });
  assert.deepEqual(readdirSync(out), []);
  const asked = start("little-memory");
  await assert.rejects(asked.denoise({ ...order, tile: [8, 256, 256] }), { code: "network-memory" });
});

test("an engine is replaced after so many jobs, between two of them", async () => {
  const recycled: number[] = [];
  const engine = start("", { recycleAfterJobs: 2, onRecycle: (jobs) => recycled.push(jobs) });
  const { pid } = await engine.ready();
  await engine.denoise(job().order);
  assert.equal((await engine.ready()).pid, pid);
  await engine.denoise(job().order);
  assert.deepEqual(recycled, [2]);
  await engine.denoise(job().order);
  assert.notEqual((await engine.ready()).pid, pid);
  assert.ok(gone(pid));
});

test("a tile's limit is learned; the first run of each shape is exempt", () => {
  const { limitMs, learn } = createTileDeadline({ firstRunMs: 900_000, floorMs: 60_000, factor: 20 });
  assert.equal(limitMs("warm-up", 16_384), 900_000);
  learn("warm-up", 16_384, 0.05);
  assert.equal(limitMs("warm-up", 16_384), 60_000, "never below the floor");
  assert.equal(limitMs("tile", 1_600_000), 900_000);
  assert.equal(limitMs("plane", 163_840_000), 20 * 500_000, "a shape so large that the rest says more");
  learn("tile", 1_600_000, 10);
  assert.equal(limitMs("tile", 1_600_000), 200_000);
});

test("a job that comes while the models of the one before are given back can still be given up", async () => {
  const engine = start("slow");
  await engine.ready();
  await engine.denoise({ ...job().order, models: { default: identity } });
  // Gives the identity's memory back after its end, which takes 200 ms; by 400 ms the third is alone.
  await engine.denoise(job().order);
  const { out, order } = job();
  await assert.rejects(engine.denoise(order, { signal: AbortSignal.timeout(400) }), { code: "interrupted" });
  assert.deepEqual(readdirSync(out), []);
});
