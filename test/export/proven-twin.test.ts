import assert from "node:assert/strict";
import { test } from "node:test";
import { randomOf } from "../../calibration/simulation/random.ts";
import type { Architecture, PackageSettings } from "../../core/package-settings.ts";
import { expectedTensors } from "../../export/cnnt/expected-tensors.ts";
import type { CnntNetwork } from "../../export/cnnt/network.ts";
import { referenceForward } from "../../export/cnnt/reference.ts";
import { inputName, outputName } from "../../export/onnx/cnnt-layers.ts";
import { compareTensors } from "../../export/package/verify-package.ts";
import { croppedNetwork, describeProof, expectedOutput } from "../../export/proven-twin.ts";
import { testScene } from "../../export/test-scene.ts";
import { runTensor } from "../../runtime/engine/run-tensor.ts";

const architecture: Architecture = {
  blocks: [8, 8],
  blocks_per_set: 1,
  n_head: 2,
  kernel_size: 3,
  norm_mode: "layer",
  with_mixer: false,
  no_residual: false,
};

/** Random weights, among them layer norms of one height and width. */
function madeNetwork(height: number, width: number): CnntNetwork {
  const random = randomOf(3);
  const weights = new Map(
    [...expectedTensors(architecture, [height, width])].map(([name, shape]) => {
      const length = shape.reduce((product, side) => product * side, 1);
      return [name, Float32Array.from({ length }, () => 0.4 * (random() - 0.5))] as const;
    }),
  );
  return {
    architecture,
    fixedHeightWidth: [height, width],
    spatialMultiple: 2,
    weight: (name) => weights.get(name) ?? assert.fail(name),
  };
}

function settingsOf([height, width]: readonly [number, number]): PackageSettings {
  return {
    schema: 1,
    architecture,
    normalization: { kind: "none" },
    intensity: { meaning: "preserved" },
    spatial_multiple: 2,
    fixed_height_width: [height, width],
    tile: [2, height, width],
    overlap: [0, 0, 0],
    test_tolerance: 1e-4,
  };
}

const run = (modelFile: string, input: Parameters<typeof runTensor>[0]["input"]) =>
  runTensor({ modelFile, inputName, outputName, provider: "cpu", input });

test("what a float64 pass would take minutes for is told by the network in float32, proven on a smaller scene", async () => {
  const size = [66, 68] as const;
  const network = madeNetwork(...size);
  const settings = settingsOf(size);
  const samples = testScene([2, ...size], settings.normalization);
  const task = { network, settings, samples, isStatic: false, run, productVersion: "0", weights: "w.pt" };
  const { output, from } = await expectedOutput(task);
  assert.ok(from.kind === "twin");
  assert.deepEqual([from.proven, from.cropped], [[2, 24, 26], true]);
  assert.match(
    describeProof(from, "1.0e-5"),
    /^largest difference from the same network in float32 with a free shape 1\.0e-5; .* on 2 x 24 x 26, with its layer norms cut to that size: largest difference \d/,
  );
  const exact = referenceForward(network, { shape: samples.shape, data: Float64Array.from(samples.data) });
  const expected = { shape: exact.shape, data: Float32Array.from(exact.data) };
  assert.ok(
    compareTensors(output, expected, 1e-4, 0).largestDifference < 1e-4,
    "and is right where it was not proven",
  );
});

test("a small scene is told by the float64 pass itself", async () => {
  const size = [24, 26] as const;
  const [network, settings] = [madeNetwork(...size), settingsOf(size)];
  const samples = testScene([2, ...size], settings.normalization);
  const refuse = () => assert.fail("nothing is run");
  const task = {
    network,
    settings,
    samples,
    isStatic: false,
    run: refuse,
    productVersion: "0",
    weights: "w.pt",
  };
  const { from } = await expectedOutput(task);
  assert.deepEqual(from, { kind: "float64" });
});

test("a graph that is wrong is refused by the smaller proof", async () => {
  const size = [66, 68] as const;
  const [network, settings] = [madeNetwork(...size), settingsOf(size)];
  const samples = testScene([2, ...size], settings.normalization);
  const wrong: typeof run = async (modelFile, input) => {
    const { shape, data } = await run(modelFile, input);
    return { shape, data: data.map((value) => 1.01 * value + 0.01) };
  };
  const task = {
    network,
    settings,
    samples,
    isStatic: true,
    run: wrong,
    productVersion: "0",
    weights: "w.pt",
  };
  await assert.rejects(expectedOutput(task), { code: "export-graph-differs" });
});

test("a cropped network keeps the first rows and columns of each layer norm, at each resolution, and nothing else changes", () => {
  const network = madeNetwork(8, 6);
  const cropped = croppedNetwork(network, 4, 2);
  for (const [name, shape] of expectedTensors(architecture, [4, 2])) {
    const [channels = 0, rows = 0, columns = 0] = shape;
    const [kept, whole] = [cropped.weight(name), network.weight(name)];
    if (!/\.ln\d/.test(name)) {
      assert.equal(kept, whole, name);
      continue;
    }
    const perChannel = whole.length / channels;
    const wide = (columns * 6) / 2;
    assert.equal(kept.length, channels * rows * columns, name);
    for (let at = 0; at < kept.length; at += 1) {
      const [c, y, x] = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
      assert.equal(kept[at], whole[c * perChannel + y * wide + x], `${name} ${c} ${y} ${x}`);
    }
  }
});
