import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const fixtures = join(root, "test/fixtures/calibration");

function compare(...args: readonly string[]) {
  return spawnSync(join(root, "bin/cnnt-edge.js"), ["compare", ...args], { encoding: "utf8" });
}

test("two files are compared with the figures of scikit-image", () => {
  const { status, stdout, stderr } = compare(
    join(fixtures, "bpae-noisy.npy"),
    join(fixtures, "bpae-clean.npy"),
    "--json",
  );
  assert.equal(status, 0, stderr);
  const { comparisons } = JSON.parse(stdout) as { comparisons: Record<string, number>[] };
  // scikit-image's and the published code's, from test/fixtures/calibration/metrics.json.
  assert.ok(Math.abs((comparisons[0]?.["psnr_db"] ?? 0) - 19.87205269167593) < 1e-9);
  assert.ok(Math.abs((comparisons[0]?.["ssim_scikit_image_gaussian"] ?? 0) - 0.29494433538753534) < 1e-9);
  assert.ok(Math.abs((comparisons[0]?.["ssim_published_7x7x7"] ?? 0) - 0.8340220444276191) < 1e-4);
});

test("two candidates against one reference are also compared with each other", () => {
  const { stdout } = compare(
    join(fixtures, "bpae-noisy.npy"),
    join(fixtures, "bpae-clean.npy"),
    "--reference",
    join(fixtures, "bpae-clean.npy"),
  );
  assert.match(stdout, /too few stacks for an interval\); higher in 0, lower in 1 of 1, sign test p = 1/);
});

test("models are compared with the input and with each other, over all stacks", () => {
  const identity = join(root, "models/identity");
  const { status, stdout, stderr } = compare(
    join(fixtures, "bpae-noisy.npy"),
    ...["--model", join(root, "models/default"), "--model", identity],
    ...["--reference", join(fixtures, "bpae-clean.npy"), "--json"],
  );
  assert.equal(status, 0, stderr);
  const { paired } = JSON.parse(stdout) as {
    paired: { first: string; second: string; psnr_db: { mean: number } }[];
  };
  const [denoised, same, models] = paired;
  assert.deepEqual([denoised?.first, same?.first, models?.second], ["input", "input", identity]);
  assert.equal(same?.psnr_db.mean, 0, "the identity changes nothing");
  // What the model gains over the input, it gains over the identity.
  assert.equal(models?.psnr_db.mean, -(denoised?.psnr_db.mean ?? Number.NaN));
  assert.ok((models?.psnr_db.mean ?? 0) > 3);
});

test("files of different size are refused", () => {
  const { status, stderr } = compare(join(fixtures, "bpae-noisy.npy"), join(fixtures, "made-clean.npy"));
  assert.equal(status, 2);
  assert.match(stderr, /do not have the same size/);
});

test("a missing reference, a wrong model and unequal sizes are told together, before anything is denoised", () => {
  const identity = join(root, "models/identity");
  const noisy = join(fixtures, "bpae-noisy.npy");
  const gone = compare(noisy, "--model", identity, "--reference", "gone.npy");
  assert.equal(gone.status, 2);
  assert.match(gone.stderr, /^cnnt-edge: gone\.npy: there is no such file or folder/);
  const wrong = compare(noisy, "--model", "no-model", "--reference", join(fixtures, "made-clean.npy"));
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /^cnnt-edge: no-model: there is no such model folder/m);
  assert.match(wrong.stderr, /^cnnt-edge: .*bpae-noisy\.npy: the two files do not have the same size/m);
  assert.doesNotMatch(wrong.stderr, /denoising/);
});
