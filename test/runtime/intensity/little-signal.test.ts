import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { simulate } from "../../../calibration/simulation/simulated-source.ts";
import { openAcquisition } from "../../../formats/open.ts";
import { checkChannels } from "../../../runtime/plan/check-channels.ts";
import type { ChannelPlan } from "../../../runtime/plan/plan-job.ts";

const { signal } = new AbortController();
const plans: readonly ChannelPlan[] = [{ kind: "denoise" } as ChannelPlan];
const sizes = { t: 1, c: 1, z: 2, y: 128, x: 128 };
const camera = { gain: 2, offset: 100, readNoise: 1.6 };
const scenes = ["mixed", "filaments", "nuclei", "membranes", "puncta"] as const;

async function warned(photons: number): Promise<number> {
  let count = 0;
  for (const scene of scenes) {
    for (const seed of [1, 2]) {
      const { noisy } = simulate({ sizes, scene, photons, camera, sampleType: "uint16", seed });
      const { warnings } = await checkChannels(undefined, noisy, plans, signal);
      if (warnings.some((warning) => warning.startsWith("Little signal: bright specks"))) count += 1;
    }
  }
  return count;
}

test("a field with next to no light is warned of without any calibration; one with 5 photons or more is not", async () => {
  assert.equal(await warned(0.01), 10);
  assert.equal(await warned(1), 10);
  assert.equal(await warned(5), 0);
  assert.equal(await warned(20), 0);
});

test("a real recording is not called empty, nor is what has no noise or is too small to tell", async () => {
  const real = await openAcquisition(join(import.meta.dirname, "../../fixtures/calibration/bpae-noisy.npy"));
  assert.deepEqual((await checkChannels(undefined, real, plans, signal)).warnings, []);
  await real.close();
  const clean = simulate({ sizes, photons: 20, camera, sampleType: "float32", seed: 1 }).clean;
  assert.deepEqual((await checkChannels(undefined, clean, plans, signal)).warnings, []);
  const tiny = { t: 1, c: 1, z: 1, y: 12, x: 12 };
  const small = simulate({ sizes: tiny, photons: 0.01, camera, sampleType: "uint16", seed: 1 }).noisy;
  assert.deepEqual((await checkChannels(undefined, small, plans, signal)).warnings, []);
});

const dim = join(import.meta.dirname, "../../../../shared/data/pairs/nuclei-lowsnr/migration-noisy.ome.tif");

test("a real recording on which the starter shows specks that are not there is warned of", {
  skip: existsSync(dim) ? false : "needs ../shared/data",
}, async () => {
  const real = await openAcquisition(dim);
  const { warnings } = await checkChannels(undefined, real, plans, signal);
  await real.close();
  assert.match(warnings.join(), /^Little signal: bright specks/);
});

test("a channel that is passed on is not looked at", async () => {
  const { noisy } = simulate({ sizes, photons: 0.01, camera, sampleType: "uint16", seed: 1 });
  const { warnings } = await checkChannels(undefined, noisy, [{ kind: "pass" }], signal);
  assert.deepEqual(warnings, []);
});
