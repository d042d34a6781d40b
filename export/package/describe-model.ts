import type { PackageSettings } from "../../core/package-settings.ts";
import { present } from "../../core/record.ts";
import { inputName, outputName } from "../onnx/cnnt-layers.ts";
import { opset } from "../onnx/messages.ts";
import { statementHash, statementHashKey } from "./statement-hash.ts";

/**
 * The bioimage.io description of a package, format 0.5, as the plain object that becomes `rdf.yaml`.
 * Source: bioimage-io/spec-bioimage-io, model description 0.5.
 */

export interface PackageFacts {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  /** SPDX identifier; absent where nobody stated one. */
  readonly license?: string;
  readonly authors: readonly string[];
  readonly tags: readonly string[];
  /** RFC 3339. */
  readonly timestamp: string;
  /** Fixed depth, height, width of the graph's input, where they are. */
  readonly staticShape?: readonly [number, number, number];
  readonly precision?: "fp32" | "fp16";
  readonly settings: PackageSettings;
  /** Name of the picture in the package. */
  readonly cover?: string;
  /** sha256 (hex) of the files in the package. */
  readonly sha256: { readonly model: string; readonly testInput: string; readonly testOutput: string };
  /** What training's JSON says of the network and its training; carried on for whoever asks later. */
  readonly training?: Readonly<Record<string, unknown>>;
  /** Which part of the checkpoint the weights are. */
  readonly weightsFrom?: {
    /** Keys that lead to them, "." for the whole file; what stood before each name. */
    readonly state_dict: string;
    readonly prefix: string;
    /** Tensors of the network, and of what was beside it in the same dict. */
    readonly tensors: number;
    readonly left_out: number;
  };
}

const citations = [
  {
    text: "CNNT, convolutional neural network transformer for fluorescence microscopy denoising",
    url: "https://arxiv.org/abs/2404.04726",
  },
];

export function describeModel(facts: PackageFacts): Record<string, unknown> {
  const { config, ...described } = withoutHash(facts);
  const hash = statementHash({ ...described, config });
  return { ...described, config: { ...config, [statementHashKey]: hash } };
}

function withoutHash(facts: PackageFacts) {
  const { settings } = facts;
  return {
    format_version: "0.5.4",
    type: "model",
    name: facts.name,
    description: facts.description,
    version: facts.version,
    timestamp: facts.timestamp,
    ...(facts.license === undefined ? {} : { license: facts.license }),
    authors: facts.authors.map((name) => ({ name })),
    cite: citations,
    documentation: "README.md",
    ...(facts.cover === undefined ? {} : { covers: [facts.cover] }),
    tags: facts.tags,
    inputs: [
      {
        id: inputName,
        description: "Noisy stack; depth is z, or time",
        axes: inputAxes(facts),
        data: { type: "float32" },
        test_tensor: { source: "test_input.npy", sha256: facts.sha256.testInput },
        preprocessing: preprocessing(settings),
      },
    ],
    outputs: [
      {
        id: outputName,
        description:
          settings.architecture === undefined
            ? "The input, unchanged"
            : "Denoised stack, in the scale of the normalized input",
        axes: outputAxes(facts),
        data: { type: "float32" },
        test_tensor: { source: "test_output.npy", sha256: facts.sha256.testOutput },
        postprocessing: ownPostprocessing,
      },
    ],
    weights: { onnx: { source: "model.onnx", sha256: facts.sha256.model, opset_version: opset } },
    config: {
      ...foreignTolerance(settings),
      cnnt_edge: settings,
      ...present({ training: facts.training, weights_from: facts.weightsFrom }),
    },
  };
}

/** bioimage.io allows 1e-3 of deviation unless told: half precision needs more. */
function foreignTolerance({ test_tolerance: tolerance }: PackageSettings): Record<string, unknown> {
  if (tolerance <= 1e-3) return {};
  const stated = { weights_formats: ["onnx"], relative_tolerance: 1e-3, absolute_tolerance: tolerance };
  return { bioimageio: { reproducibility_tolerance: [stated] } };
}

type AxisIndex = 0 | 1 | 2;

/** [batch, z, channel, y, x]: the order of the network's own tensor. `stated`: what is said of an axis of space. */
function axesOf(stated: (id: string, index: AxisIndex) => object): unknown[] {
  const [z, y, x] = (["z", "y", "x"] as const).map((id, index) => ({
    type: "space",
    id,
    ...stated(id, index as AxisIndex),
  }));
  return [{ type: "batch", size: 1 }, z, { type: "channel", channel_names: ["intensity"] }, y, x];
}

function inputAxes(facts: PackageFacts): unknown[] {
  const { settings } = facts;
  return axesOf((_, index) => {
    const size = { min: smallestLength(settings, index), step: multipleOf(settings, index) };
    return { size: fixedLength(facts, index) ?? size };
  });
}

function outputAxes(facts: PackageFacts): unknown[] {
  return axesOf((id, index) => {
    const size = fixedLength(facts, index) ?? { tensor_id: inputName, axis_id: id };
    const halo = typeof size === "object" ? haloOf(facts.settings, index) : 0;
    return { size, ...(halo > 0 ? { halo } : {}) };
  });
}

/** So near a tile's border a network saw padding. */
const mostHalo = 8;

/**
 * What other tools crop from a tile's border, without blending: at most what our tiles share across the image, nothing in
 * depth, where a single plane must remain possible.
 */
function haloOf(settings: PackageSettings, index: AxisIndex): number {
  return index === 0 ? 0 : Math.min(mostHalo, settings.overlap[index]);
}

function multipleOf(settings: PackageSettings, index: AxisIndex): number {
  return index === 0 ? 1 : settings.spatial_multiple;
}

/** The smallest length of an axis that leaves something between two halos. */
export function smallestLength(settings: PackageSettings, index: AxisIndex): number {
  const multiple = multipleOf(settings, index);
  return Math.ceil((2 * haloOf(settings, index) + 1) / multiple) * multiple;
}

function fixedLength(facts: PackageFacts, index: AxisIndex): number | undefined {
  if (facts.staticShape !== undefined) return facts.staticShape[index];
  const heightWidth = facts.settings.fixed_height_width;
  return index === 0 ? undefined : heightWidth?.[index - 1];
}

/** Nothing comes after our networks. */
export const ownPostprocessing = [{ id: "ensure_dtype", kwargs: { dtype: "float32" } }];

/** The same map as `settings.normalization`, in bioimage.io's own operators. */
export function preprocessing(settings: PackageSettings): unknown[] {
  const { normalization } = settings;
  const steps: unknown[] = [{ id: "ensure_dtype", kwargs: { dtype: "float32" } }];
  if (normalization.kind === "fixed") {
    const range = normalization.high - normalization.low;
    steps.push({ id: "scale_linear", kwargs: { gain: 1 / range, offset: 0 - normalization.low / range } });
  }
  if (normalization.kind === "percentile") {
    steps.push({
      id: "scale_range",
      kwargs: {
        axes: ["batch", "z", "channel", "y", "x"],
        min_percentile: normalization.low,
        max_percentile: normalization.high,
        eps: 1e-10,
      },
    });
  }
  if (normalization.kind !== "none" && normalization.clip) {
    steps.push({ id: "clip", kwargs: { min: 0, max: 1 } });
  }
  return steps;
}
