import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ModelPackage } from "../../../core/package-settings.ts";
import type { Network } from "../../../runtime/job/network.ts";
import { fastestChunkDepth, keepRates, rateFor, readRates } from "../../../runtime/tuning/measured-rates.ts";
import { tune } from "../../../runtime/tuning/tune.ts";

const scratch = mkdtempSync(join(tmpdir(), "tuning-"));
after(() => rmSync(scratch, { recursive: true }));
const file = join(scratch, "deep/tuning.json");

const settings = { spatial_multiple: 4, tile: [24, 256, 256] };
const model = { modelSha256: "a".repeat(64), settings } as unknown as ModelPackage;
const other = { modelSha256: "b".repeat(64), settings } as unknown as ModelPackage;

test("rates are kept for their model and provider only, and survive the others", async () => {
  assert.deepEqual((await readRates(file))(model, "cpu"), []);
  const slow = [{ tile: [8, 128, 128] as const, voxels_per_s: 1000, threads: 2 }];
  const fast = [{ tile: [16, 128, 128] as const, voxels_per_s: 9000, threads: 2 }];
  await keepRates(file, model, "cpu", slow);
  await keepRates(file, model, "cuda", fast);
  const rates = await readRates(file);
  assert.deepEqual(rates(model, "cpu"), slow);
  assert.deepEqual(rates(model, "cuda"), fast);
  assert.deepEqual(rates(other, "cpu"), []);
});

test("a file that is not ours says nothing", async () => {
  const broken = join(scratch, "broken.json");
  writeFileSync(broken, '{"x": [{"tile": [0]}]}');
  assert.deepEqual((await readRates(broken))(model, "cpu"), []);
});

test("the fastest chunk is the one that delivers most, not the one that computes most", () => {
  const rates = [
    { tile: [4, 128, 128] as const, voxels_per_s: 1200, threads: 2 },
    { tile: [16, 128, 128] as const, voxels_per_s: 1000, threads: 2 },
  ];
  // 1200 · 2/4 against 1000 · 12/16, then against 1000 · 4/16.
  const shared = (depth: number): number => (depth < 16 ? 2 : 4);
  assert.equal(fastestChunkDepth(rates, shared), 16);
  assert.equal(
    fastestChunkDepth(rates, (depth) => (depth < 16 ? 2 : 12)),
    4,
  );
  assert.equal(fastestChunkDepth([], shared), undefined);
  assert.equal(rateFor(rates, [5, 100, 100])?.voxels_per_s, 1200);
});

/** Takes a second for every 1,000,000 voxels, but twice as long for shallow tiles. */
const network: Network = {
  provider: "cpu",
  runtimeVersion: "0",
  run: async (_model, [depth, height, width]) => ((depth * height * width) / 1e6) * (depth < 16 ? 2 : 1),
};

test("tuning tells the rate of every tile that memory holds", async () => {
  const task = { model, network, threads: 1, signal: new AbortController().signal, onRate: () => undefined };
  const all = await tune({ ...task, availableBytes: 1e12 });
  assert.ok(all.length >= 6);
  for (const { tile, voxels_per_s: rate } of all) {
    assert.ok(Math.abs(rate - (tile[0] < 16 ? 5e5 : 1e6)) < 1);
  }
  const few = await tune({ ...task, availableBytes: 2 * 8 * 128 * 128 * 8 });
  assert.deepEqual(
    few.map(({ tile }) => tile),
    [[8, 128, 128]],
  );
});
