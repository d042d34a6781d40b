import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verificationError } from "../core/errors.ts";
import type { PackageSettings } from "../core/package-settings.ts";
import { doubled, single, type Tensor } from "../core/tensor.ts";
import { expectedTensors } from "./cnnt/expected-tensors.ts";
import type { CnntNetwork } from "./cnnt/network.ts";
import { referenceForward } from "./cnnt/reference.ts";
import { cnntGraph } from "./onnx/cnnt-graph.ts";
import { encodeModel } from "./onnx/messages.ts";
import { applyNormalization } from "./package/apply-operators.ts";
import { compareTensors, toleranceFor } from "./package/verify-package.ts";
import { testScene } from "./test-scene.ts";
import type { Elements } from "./torch/element-types.ts";

/** What the expected output of a package's test tensors stands on. */
export type ExpectedFrom =
  | { readonly kind: "float64" }
  | {
      /** The same network in float32 with a free shape, whose own proof is smaller than what it was asked. */
      readonly kind: "twin";
      /** Depth, height, width of the float64 pass that the twin was compared with. */
      readonly proven: readonly [number, number, number];
      readonly largestDifference: number;
      /** The twin that was proven had the `layer` norms of that height and width only. */
      readonly cropped: boolean;
    };

/** The float64 pass takes some 2 ms a pixel: a minute for 2 x 128 x 128, hours for a full tile. */
const mostDirectPixels = 64 * 64;
/** Of the smaller proof, at least; the other side is longer, so that the two cannot be confused. */
const provenSide = 24;

/** The output that a package's graph must give for its test tensor, `[1, T, 1, H, W]`, before normalization. */
export async function expectedOutput(task: {
  readonly network: CnntNetwork;
  readonly settings: PackageSettings;
  readonly samples: Tensor;
  readonly isStatic: boolean;
  readonly run: (modelFile: string, input: Tensor) => Promise<Tensor>;
  readonly productVersion: string;
  /** The checkpoint, for errors. */
  readonly weights: string;
}): Promise<{ readonly output: Tensor; readonly from: ExpectedFrom }> {
  const { network, settings, samples, run } = task;
  const normalized = (tensor: Tensor) => applyNormalization(settings.normalization, doubled(tensor));
  const exact = (of: CnntNetwork, tensor: Tensor): Tensor => single(referenceForward(of, normalized(tensor)));
  const [, , , height = 0, width = 0] = samples.shape;
  if (!task.isStatic && height * width <= mostDirectPixels) {
    return { output: exact(network, samples), from: { kind: "float64" } };
  }
  const side = Math.ceil(provenSide / settings.spatial_multiple) * settings.spatial_multiple;
  const proven = [2, side, side + settings.spatial_multiple] as const;
  const folder = await mkdtemp(join(tmpdir(), "cnnt-edge-export-"));
  const onTwin = async (of: CnntNetwork, tensor: Tensor): Promise<Tensor> => {
    const modelFile = join(folder, "twin.onnx");
    const graph = cnntGraph(of, { precision: "fp32", producerVersion: task.productVersion });
    await writeFile(modelFile, encodeModel(graph));
    return run(modelFile, single(normalized(tensor)));
  };
  try {
    const cropped = croppedNetwork(network, proven[1], proven[2]);
    const small = testScene(proven, settings.normalization);
    const expected = exact(cropped, small);
    const allowed = toleranceFor(expected, {});
    const { largestDifference } = compareTensors(await onTwin(cropped, small), expected, allowed, 0);
    if (largestDifference > allowed) {
      throw verificationError("the graph does not compute what the float64 pass does", {
        code: "export-graph-differs",
        file: task.weights,
        found: `a difference of ${largestDifference.toPrecision(3)}`,
        allowed: `at most ${allowed.toPrecision(3)}`,
        remedy: "Do not use it; please report this with the checkpoint's JSON",
      });
    }
    return {
      output: await onTwin(network, samples),
      from: { kind: "twin", proven, largestDifference, cropped: cropped !== network },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What made the expected output, for the model's card. */
export function expectedBy(from: ExpectedFrom): string {
  const float64 = "a float64 forward pass, independent of the ONNX graph,";
  if (from.kind === "float64") return float64;
  return (
    "the same network in float32 with a free shape, which was compared with " +
    `${float64} on ${from.proven.join(" x ")}${normsOf(from)} (largest difference ${from.largestDifference.toExponential(1)}),`
  );
}

function normsOf({ cropped }: Extract<ExpectedFrom, { kind: "twin" }>): string {
  return cropped ? ", with its layer norms cut to that size" : "";
}

/** What was compared with what, as the end of "verified on cpu". */
export function describeProof(from: ExpectedFrom, difference: string): string {
  if (from.kind === "float64") return `largest difference from the float64 pass ${difference}`;
  const { proven, largestDifference } = from;
  return (
    `largest difference from the same network in float32 with a free shape ${difference}; that network was compared with ` +
    `the float64 pass on ${proven.join(" x ")}${normsOf(from)}: largest difference ${largestDifference.toExponential(1)}`
  );
}

/**
 * The network that `layer` norms tie to a height and width, for a smaller one: each `[channels, height, width]` of a norm
 * keeps its first rows and columns, everything else stays. It computes something other than the whole network, by the same
 * layers in the same order, with the same weights. Networks that take any size are returned as they are.
 */
export function croppedNetwork(network: CnntNetwork, height: number, width: number): CnntNetwork {
  const { architecture, fixedHeightWidth } = network;
  if (fixedHeightWidth === undefined) return network;
  const whole = expectedTensors(architecture, fixedHeightWidth);
  const smaller = expectedTensors(architecture, [height, width]);
  return {
    ...network,
    fixedHeightWidth: [height, width],
    weight(name) {
      const values = network.weight(name);
      const [channels = 0, rows = 0, columns = 0] = whole.get(name) ?? [];
      const [, keptRows = 0, keptColumns = 0] = smaller.get(name) ?? [];
      if (!/\.ln\d\.(weight|bias)$/.test(name)) return values;
      const kept: Elements = values.slice(0, channels * keptRows * keptColumns);
      for (let channel = 0; channel < channels; channel += 1) {
        for (let row = 0; row < keptRows; row += 1) {
          const from = (channel * rows + row) * columns;
          kept.set(values.subarray(from, from + keptColumns), (channel * keptRows + row) * keptColumns);
        }
      }
      return kept;
    },
  };
}
