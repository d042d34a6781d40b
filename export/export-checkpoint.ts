import { basename } from "node:path";
import { counted } from "../core/counted.ts";
import type { Intensity, Normalization, PackageSettings } from "../core/package-settings.ts";
import { present } from "../core/record.ts";
import type { Tensor } from "../core/tensor.ts";
import { chooseWeights, tellChoice } from "./cnnt/choose-weights.ts";
import { type CnntNetwork, loadNetwork } from "./cnnt/network.ts";
import type { TrainingConfig } from "./cnnt/training-config.ts";
import { cnntGraph, type Precision } from "./onnx/cnnt-graph.ts";
import { encodeModel } from "./onnx/messages.ts";
import { smallestLength } from "./package/describe-model.ts";
import { modelCard } from "./package/model-card.ts";
import { readPackage } from "./package/read-package.ts";
import { recommendedOverlap, recommendedTile } from "./package/recommended-tile.ts";
import { singleTolerance, toleranceFor, verifyPackage } from "./package/verify-package.ts";
import { type PackageProof, writePackage } from "./package/write-package.ts";
import { expectedBy, expectedOutput } from "./proven-twin.ts";
import { testScene } from "./test-scene.ts";
import { openCheckpoint } from "./torch/checkpoint.ts";
import { type Stated, toldOf } from "./untold.ts";

export interface ExportRequest {
  readonly weights: string;
  /** Which of several networks in the checkpoint; see `chooseWeights`. */
  readonly stateDict?: string;
  readonly out: string;
  readonly force: boolean;
  /** What training wrote down; absent where no JSON is at hand. */
  readonly training?: TrainingConfig;
  readonly stated: Stated;
  readonly description: {
    readonly name: string;
    readonly license?: string;
    readonly authors: readonly string[];
    readonly card?: string;
  };
  readonly tile?: readonly [number, number, number];
  readonly overlap?: readonly [number, number, number];
  /** Fixed depth, height, width of the graph's input. */
  readonly staticShape?: readonly [number, number, number];
  readonly precision: Precision;
  /** Runs a `.onnx` file of this network's input and output on this machine. */
  readonly run: (modelFile: string, input: Tensor) => Promise<Tensor>;
  /** Whether `judge` finds out what intensities mean, so that nobody needs to state it. */
  readonly intensityIsFitted: boolean;
  /** Runs the package in `dir`, once it is proven, on images. */
  readonly judge?: (dir: string, settings: PackageSettings) => Promise<Omit<PackageProof, "measured">>;
  /** Told what was chosen, in sentences, as it is. */
  readonly tell: (sentence: string) => void;
  readonly productVersion: string;
  /** RFC 3339, for the description. */
  readonly timestamp: string;
}

/**
 * A checkpoint to a package folder: ONNX graph, settings, and test tensors whose expected output comes from the
 * float64 forward pass. The finished package is run once before it gets its name; where it is wrong, none appears.
 */
export async function exportCheckpoint(request: ExportRequest) {
  const { training } = request;
  const { network, chosen, scaling } = await networkOf(request);
  const settings = settingsOf(request, network, scaling);
  const testInput = testScene(testShape(settings, request.staticShape), settings.normalization);
  const { output: testOutput, from } = await expectedOutput({
    network,
    settings,
    samples: testInput,
    isStatic: request.staticShape !== undefined,
    run: request.run,
    productVersion: request.productVersion,
    weights: request.weights,
  });
  settings.test_tolerance = toleranceFor(testOutput, request);
  const { precision, productVersion: producerVersion } = request;
  const shape = present({ staticShape: request.staticShape });
  const graph = cnntGraph(network, { precision, producerVersion, ...shape });
  const facts = {
    name: request.description.name,
    description: `CNNT denoiser exported from ${basename(request.weights)}`,
    version: "1.0.0",
    ...present({ license: request.description.license, training: training?.kept }),
    authors: request.description.authors,
    tags: ["denoising", "fluorescence", "3d", "cnnt"],
    timestamp: request.timestamp,
    precision,
    ...shape,
    settings,
    weightsFrom: {
      state_dict: chosen.place,
      prefix: chosen.prefix,
      tensors: chosen.tensors.size,
      left_out: chosen.leftOut.length,
    },
  };
  const { card } = request.description;
  const proof = await writePackage(
    request.out,
    {
      facts,
      model: encodeModel(graph),
      testInput,
      testOutput,
      card: (final, found) => card ?? modelCard(final, found, expectedBy(from)),
    },
    {
      force: request.force,
      async prove(dir) {
        const model = await readPackage(dir);
        const measured = await verifyPackage(model, (input) => request.run(model.modelFile, input));
        return { measured, ...(await request.judge?.(dir, settings)) };
      },
    },
  );
  const parameters = graph.initializers.reduce(
    (sum, { type, bytes }) =>
      type === "int64" ? sum : sum + bytes.byteLength / (type === "float16" ? 2 : 4),
    0,
  );
  return {
    dir: request.out,
    parameters,
    settings: proof?.settings ?? settings,
    measured: proof?.measured,
    /** What `measured` is compared with. */
    expectedFrom: from,
  };
}

async function networkOf(request: ExportRequest) {
  const { weights, stateDict, training, tell } = request;
  const checkpoint = await openCheckpoint(weights);
  try {
    const chosen = chooseWeights(checkpoint, stateDict);
    const shapes = new Map([...chosen.tensors].map(([name, { shape }]) => [name, shape]));
    const { architecture, scaling } = await toldOf(request, shapes);
    const choice = tellChoice(chosen);
    if (choice !== undefined) tell(choice);
    if (training !== undefined && training.dropped > 0) tell(whatIsKept(training));
    const network = await loadNetwork(checkpoint, architecture, chosen);
    return { network, chosen, scaling };
  } finally {
    await checkpoint.close();
  }
}

function whatIsKept({ kept, dropped }: TrainingConfig): string {
  const count = Object.keys(kept).length;
  return (
    `rdf.yaml gets ${counted(count, "entry", "entries")} of training's JSON, on the network and its training; ` +
    `${counted(dropped, "other")} (paths, names, notes, accounts) ${dropped === 1 ? "is" : "are"} left out`
  );
}

function settingsOf(
  request: ExportRequest,
  network: CnntNetwork,
  scaling: { normalization: Normalization; intensity: Intensity },
): PackageSettings {
  const [height, width] = network.fixedHeightWidth ?? [undefined, undefined];
  const fixedTile = request.staticShape;
  const tile = fixedTile ?? request.tile ?? recommendedTile(network.architecture, network.spatialMultiple);
  const overlap = request.overlap ?? recommendedOverlap;
  const fixed = height !== undefined && width !== undefined;
  return {
    schema: 1,
    architecture: network.architecture,
    ...scaling,
    spatial_multiple: network.spatialMultiple,
    ...(fixed ? { fixed_height_width: [height, width] as [number, number] } : {}),
    ...(fixedTile === undefined ? {} : { fixed_shape: [...fixedTile] as [number, number, number] }),
    tile: fixed ? [tile[0], height, width] : [...tile],
    overlap: fixed ? [overlap[0], Math.floor(height / 4), Math.floor(width / 4)] : [...overlap],
    test_tolerance: singleTolerance,
  };
}

/** As small as the description allows, because the judge is slow; unequal, so that no two axes can be confused. */
function testShape(
  settings: PackageSettings,
  staticShape: readonly [number, number, number] | undefined,
): readonly [number, number, number] {
  if (staticShape !== undefined) return staticShape;
  const [height, width] = settings.fixed_height_width ?? [
    smallestLength(settings, 1),
    smallestLength(settings, 2) + settings.spatial_multiple,
  ];
  return [2, height, width];
}
