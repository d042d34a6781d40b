import type { PackageSettings } from "../core/package-settings.ts";
import { inputName, outputName } from "./onnx/cnnt-layers.ts";
import { encodeModel } from "./onnx/messages.ts";
import { modelCard } from "./package/model-card.ts";
import { writePackage } from "./package/write-package.ts";
import { testScene } from "./test-scene.ts";

/** A package whose network is one no-op node: what goes in comes out. For proofs of everything around the network. */
export async function writeIdentityPackage(
  dir: string,
  productVersion: string,
  timestamp: string,
): Promise<void> {
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
