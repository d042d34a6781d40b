import { type BlockSet, blockSets } from "../cnnt/block-sets.ts";
import type { CnntNetwork } from "../cnnt/network.ts";
import { attention } from "./cnnt-attention.ts";
import {
  type Context,
  convolution,
  inputName,
  mixer,
  outputName,
  toSingle,
  toWorking,
} from "./cnnt-layers.ts";
import { norm } from "./cnnt-norm.ts";
import { createGraphBuilder, type GraphBuilder } from "./graph-builder.ts";
import type { OnnxModel } from "./messages.ts";

/**
 * The CNNT as an ONNX graph of standard operators (opset 17). Input and output are `[1, T, 1, H, W]` float32, one
 * acquisition's part a run; inside, frames are `[T, C, H, W]`. Names follow the checkpoint's. Where the graph differs from the code it came from, the
 * result does not:
 * - query, key and value are one convolution with three times the channels;
 * - after batch norm, keys are taken from their mean over the frames, for exact scores;
 * - halving is an average pool, which the trilinear interpolation by 0.5 comes to;
 * - GELU is written out with Erf, which ONNX Runtime fuses and every provider knows.
 */

export interface GraphOptions {
  /** Fixed depth, height, width of the input; dimensions vary where absent. */
  readonly staticShape?: readonly [number, number, number];
  /**
   * `fp16`: convolutions, mixing and resizing in half precision; norms, scores and softmax stay in float32, where
   * half precision overflows or loses the mean; input and output stay float32.
   */
  readonly precision: Precision;
  readonly producerVersion: string;
}

export type Precision = "fp32" | "fp16";

export function cnntGraph(network: CnntNetwork, options: GraphOptions): OnnxModel {
  const graph = createGraphBuilder();
  const context: Context = { graph, network, half: options.precision === "fp16" };
  const before = stem(context, toWorking(context, "/half", frames(graph)));
  const estimate = uNet(context, before);
  const features = network.architecture.no_residual
    ? estimate
    : graph.node("Sub", "/residual", [before, estimate]);
  const image = convolution(context, "pos_cnnt.1", convolution(context, "pos_cnnt.0", features));
  const single = toSingle(context, "/single", image);
  graph.node("Reshape", outputName, [single, graph.node("Shape", "/image_shape", [inputName])]);

  const [depth, height, width] = options.staticShape ?? ["T", "H", "W"];
  const shape = [1, depth, 1, height, width];
  return {
    graphName: "cnnt",
    inputs: [{ name: inputName, type: "float32", shape }],
    outputs: [{ name: outputName, type: "float32", shape }],
    nodes: graph.nodes,
    initializers: graph.initializers,
    producerName: "cnnt-edge",
    producerVersion: options.producerVersion,
  };
}

/** `[1, T, 1, H, W]` to `[T, 1, H, W]`. */
function frames(graph: GraphBuilder): string {
  const shape = graph.node("Shape", "/height_width", [inputName], { start: 3 });
  const head = graph.integers("/frames_shape/head", [-1, 1]);
  const target = graph.node("Concat", "/frames_shape", [head, shape], { axis: 0 });
  return graph.node("Reshape", "/frames", [inputName, target]);
}

function stem(context: Context, x: string): string {
  return convolution(context, "pre_cnnt.1", convolution(context, "pre_cnnt.0", x));
}

function uNet(context: Context, input: string): string {
  const { graph, network } = context;
  const beforeHalving = new Map<string, string>();
  let x = input;
  for (const set of blockSets(network.architecture)) {
    x = blockSet(context, set, x);
    if (set.resize === "halve") {
      beforeHalving.set(set.name, x);
      x = graph.node("AveragePool", `/cnnt/${set.name}/halve`, [x], {
        kernel_shape: [2, 2],
        strides: [2, 2],
      });
    }
    if (set.resize === "double") {
      const scales = graph.floats("/double_scales", [4], [1, 1, 2, 2]);
      const doubled = graph.node("Resize", `/cnnt/${set.name}/double`, [x, "", scales], {
        mode: "linear",
        coordinate_transformation_mode: "half_pixel",
      });
      const skip = set.skip === undefined ? undefined : beforeHalving.get(set.skip);
      x =
        skip === undefined
          ? doubled
          : graph.node("Concat", `/cnnt/${set.name}/concat`, [doubled, skip], { axis: 1 });
    }
  }
  return convolution(context, "cnnt.output_proj", x);
}

function blockSet(context: Context, set: BlockSet, input: string): string {
  const { graph, network } = context;
  let x = convolution(context, `cnnt.${set.name}.input_proj`, input);
  for (let i = 0; i < network.architecture.blocks_per_set; i += 1) {
    const cell = `cnnt.${set.name}.blocks.${i}`;
    x = graph.node("Add", `/${cell}/attn_sum`, [
      x,
      attention(context, set, cell, norm(context, set, cell, 1, x)),
    ]);
    if (network.architecture.with_mixer) {
      x = graph.node("Add", `/${cell}/mlp_sum`, [x, mixer(context, cell, norm(context, set, cell, 2, x))]);
    }
  }
  return x;
}
