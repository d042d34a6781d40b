import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { multiplyAdds } from "../../bin/bench/arithmetic.ts";
import type { BenchReport } from "../../bin/bench/measure-machine.ts";
import { verdict } from "../../bin/words/report.ts";
import { runCommand } from "./run-command.ts";

const identity = resolve(import.meta.dirname, "../../models/identity");

test("counts the multiplications of a network worked out by hand", () => {
  const architecture = {
    blocks: [1, 1],
    blocks_per_set: 1,
    n_head: 1,
    kernel_size: 1,
    norm_mode: "instance",
    with_mixer: false,
    no_residual: false,
  } as const;
  // Stem 64 + 2048; down1 128 + 16 + 8; up1, at a quarter of the pixels, 1 + 4 + 2; final 8 + 16 + 8;
  // projection 128; then 2048 + 64.
  assert.equal(multiplyAdds({ ...architecture, blocks: [1, 1] }, [1, 2, 2]), 4543);
  // The mixer of each of three cells: twice 4 channels to one, on 4, 1 and 4 pixels.
  assert.equal(multiplyAdds({ ...architecture, blocks: [1, 1], with_mixer: true }, [1, 2, 2]), 4543 + 72);
});

test("says whether the machine keeps up", () => {
  assert.equal(
    verdict({ elapsed_s: 31.2, acquisition_interval_s: 40, keeps_up: true }),
    "one such stack each 40 s: keeps up (32 s)",
  );
  assert.equal(
    verdict({ elapsed_s: 62, acquisition_interval_s: 40, keeps_up: false }),
    "one such stack each 40 s: falls behind (it takes 1 min 2 s)",
  );
});

test("measures a stack of its own, says where the time went, and leaves nothing behind", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bench-test-"));
  try {
    const json = join(folder, "report.json");
    const options = [
      "--size",
      "3,64,64",
      "--runs",
      "2",
      "--model",
      identity,
      "--scratch",
      folder,
      "--json",
      json,
    ];
    const { code, stdout } = await runCommand(["bench", ...options]);
    assert.equal(code, 0);
    assert.match(stdout, /\| delivered, file to file \| .* Mvoxel\/s/);
    const report = JSON.parse(readFileSync(json, "utf8")) as BenchReport;
    assert.equal(report.voxels, 3 * 64 * 64);
    assert.equal(report.elapsed_s_of_runs.length, 2);
    assert.ok(report.network_s > 0 && report.network_s < report.elapsed_s);
    assert.ok(report.matrix_product_flops > 1e8);
    assert.ok(report.convolution_flops > 1e8);
    assert.ok((report.busy_s["writing"] ?? 0) > 0);
    const stages = Object.values(report.stages_s).reduce((sum, seconds) => sum + seconds, 0);
    assert.ok(Math.abs(stages - report.elapsed_s) < 0.01);
    assert.deepEqual(readdirSync(folder), ["report.json"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("bench tells what is missing, all of it, before a model is warmed up", async () => {
  const args = ["bench", "--model", "no-model", "--input", "gone.tif", "--scratch", import.meta.filename];
  const { code, stderr } = await runCommand(args);
  assert.equal(code, 2);
  assert.match(stderr, /^cnnt-edge: no-model: there is no such model folder/m);
  assert.match(stderr, /^cnnt-edge: gone\.tif: there is no such file/m);
  assert.match(stderr, /the folder for results cannot be made .*--scratch/);
});

test("bench builds no TensorRT engine: without a prepared one it refuses, and says how to make one", async () => {
  const { code, stderr, stdout } = await runCommand(["bench", "--model", identity, "--provider", "tensorrt"]);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(
    stderr,
    /TensorRT would build an engine from this model at every start.*--static .* --tensorrt/,
  );
});
