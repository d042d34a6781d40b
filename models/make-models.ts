import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { judgeByPairs, simulatedCover } from "../calibration/pairs/judge-package.ts";
import type { PackageSettings } from "../core/package-settings.ts";
import { readTrainingConfig } from "../export/cnnt/training-config.ts";
import { exportCheckpoint } from "../export/export-checkpoint.ts";
import { inputName, outputName } from "../export/onnx/cnnt-layers.ts";
import { encodeModel } from "../export/onnx/messages.ts";
import { modelCard } from "../export/package/model-card.ts";
import { writePackage } from "../export/package/write-package.ts";
import { testScene } from "../export/test-scene.ts";
import { startEngine } from "../runtime/engine/host.ts";
import { runTensor } from "../runtime/engine/run-tensor.ts";
import { productVersion } from "../runtime/machine/product-version.ts";

// Makes the shipped packages anew: models/identity, and models/default from the starter checkpoint.
// usage: npm run models -- STARTER_DIR PAIRS_DIR

/** What the pairs in `PAIRS_DIR` show. */
const shownByPairs =
  "planes of public recordings: fmd-confocal (BPAE cells, zebrafish), hagen (actin, mitochondria, nucleus), nuclei-lowsnr, w2s";
const timestamp = "2026-11-23T00:00:00Z";
const [starter, pairs] = process.argv.slice(2);

await writeIdentityPackage(join(import.meta.dirname, "identity"));
if (starter !== undefined && pairs !== undefined) {
  await exportCheckpoint({
    weights: join(starter, "weights.pt"),
    out: join(import.meta.dirname, "default"),
    force: true,
    training: await readTrainingConfig(join(starter, "config.json")),
    // The starter was trained otherwise than the published networks: one map for noisy and clean, no clipping.
    stated: {
      normalization: { kind: "percentile", low: 1.5, high: 99.5, clip: false },
      intensity: { meaning: "preserved" },
    },
    description: {
      name: "cnnt-edge starter",
      license: "Apache-2.0",
      authors: ["cnnt-edge"],
      card: await readFile(join(import.meta.dirname, "default-card.md"), "utf8"),
    },
    precision: "fp32",
    intensityIsFitted: false,
    tell: (sentence) => console.log(sentence),
    judge: (dir, settings) => judge(dir, settings, pairs),
    run: (modelFile, input) => runTensor({ modelFile, inputName, outputName, provider: "cpu", input }),
    productVersion,
    timestamp,
  });
}

/** Noise and gain are those of real pairs; the picture is of a simulated field, which belongs to nobody. */
async function judge(dir: string, settings: PackageSettings, pairsDir: string) {
  const engine = startEngine({ models: [dir] });
  try {
    const task = { model: dir, settings, engine, signal: new AbortController().signal };
    const { settings: judged } = await judgeByPairs({
      ...task,
      dir: pairsDir,
      intensityStated: true,
      onPair: ({ name }) => console.log(name),
    });
    const pairs = judged.pairs && { ...judged.pairs, on: shownByPairs };
    return { settings: { ...judged, ...(pairs && { pairs }) }, cover: await simulatedCover(task) };
  } finally {
    await engine.stop();
  }
}

/** A package whose network is one no-op node: what goes in comes out. For proofs of everything around the network. */
async function writeIdentityPackage(dir: string): Promise<void> {
  const shape = ["B", "T", 1, "H", "W"];
  const settings: PackageSettings = {
    schema: 1,
    normalization: { kind: "none" },
    intensity: { meaning: "preserved" },
    spatial_multiple: 1,
    // A voxel of its output needs no other of its input: nothing has to be computed twice.
    tile: [1, 1024, 1024],
    overlap: [0, 0, 0],
    test_tolerance: 1e-6,
  };
  const scene = testScene([2, 9, 12], settings.normalization);
  const facts = {
    name: "identity",
    description: "No network at all: output equals input",
    version: "1.0.0",
    license: "Apache-2.0",
    authors: ["cnnt-edge"],
    tags: ["identity", "test"],
    timestamp,
    settings,
  };
  const model = encodeModel({
    graphName: "identity",
    inputs: [{ name: inputName, type: "float32", shape }],
    outputs: [{ name: outputName, type: "float32", shape }],
    nodes: [
      { name: "identity", opType: "Identity", inputs: [inputName], outputs: [outputName], attributes: {} },
    ],
    initializers: [],
    producerName: "cnnt-edge",
    producerVersion: productVersion,
  });
  const card = (): string => modelCard(facts, undefined);
  await writePackage(dir, { facts, model, testInput: scene, testOutput: scene, card }, { force: true });
}
