import { type BlockSet, blockSets } from "../cnnt/block-sets.ts";
import type { CnntNetwork } from "../cnnt/network.ts";
import { createGraphBuilder, type GraphBuilder } from "./graph-builder.ts";
import { elementTypes, type OnnxModel } from "./messages.ts";

/**
 * The CNNT as an ONNX graph of standard operators (opset 17). Input and output are `[B, T, 1, H, W]` float32; inside,
 * frames are `[B·T, C, H, W]`. Names follow the checkpoint's. Where the graph differs from the code it came from, the
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

export const inputName = "image";
export const outputName = "output";
const epsilon = 1e-5;

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
  const batch = options.staticShape === undefined ? "B" : 1;
  const shape = [batch, depth, 1, height, width];
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

interface Context {
  readonly graph: GraphBuilder;
  readonly network: CnntNetwork;
  /** Whether activations are in half precision. */
  readonly half: boolean;
}

/** To the precision of the activations; nothing where that is float32. */
function toWorking({ graph, half }: Context, name: string, x: string): string {
  return half ? graph.node("Cast", name, [x], { to: { kind: "int", value: elementTypes.float16 } }) : x;
}

function toSingle({ graph, half }: Context, name: string, x: string): string {
  return half ? graph.node("Cast", name, [x], { to: { kind: "int", value: elementTypes.float32 } }) : x;
}

/** `[B, T, 1, H, W]` to `[B·T, 1, H, W]`. */
function frames(graph: GraphBuilder): string {
  const shape = graph.node("Shape", "/height_width", [inputName], { start: { kind: "int", value: 3 } });
  const target = graph.node(
    "Concat",
    "/frames_shape",
    [graph.integers("/frames_shape/head", [-1, 1]), shape],
    {
      axis: { kind: "int", value: 0 },
    },
  );
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
        kernel_shape: { kind: "ints", value: [2, 2] },
        strides: { kind: "ints", value: [2, 2] },
      });
    }
    if (set.resize === "double") {
      const doubled = graph.node(
        "Resize",
        `/cnnt/${set.name}/double`,
        [x, "", graph.floats("/double_scales", [4], [1, 1, 2, 2])],
        {
          mode: { kind: "string", value: "linear" },
          coordinate_transformation_mode: { kind: "string", value: "half_pixel" },
        },
      );
      const skip = set.skip === undefined ? undefined : beforeHalving.get(set.skip);
      x =
        skip === undefined
          ? doubled
          : graph.node("Concat", `/cnnt/${set.name}/concat`, [doubled, skip], {
              axis: { kind: "int", value: 1 },
            });
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

function norm(context: Context, set: BlockSet, cell: string, which: 1 | 2, x: string): string {
  const single = toSingle(context, `/${cell}/norm${which}_single`, x);
  return toWorking(context, `/${cell}/norm${which}_half`, singleNorm(context, set, cell, which, single));
}

function singleNorm(
  { graph, network }: Context,
  set: BlockSet,
  cell: string,
  which: 1 | 2,
  x: string,
): string {
  const channels = set.channelsOut;
  const weight = (name: string, shape: readonly number[]): string =>
    graph.floats(name, shape, network.weight(name));
  switch (set.norm) {
    case "instance":
      return graph.node(
        "InstanceNormalization",
        `/${cell}/in${which}`,
        [
          x,
          graph.floats(`/ones_${channels}`, [channels], new Float32Array(channels).fill(1)),
          graph.floats(`/zeros_${channels}`, [channels], new Float32Array(channels)),
        ],
        { epsilon: { kind: "float", value: epsilon } },
      );
    case "batch": {
      const name = `${cell}.bn${which}`;
      const parts = ["weight", "bias", "running_mean", "running_var"];
      const inputs = parts.map((part) => weight(`${name}.${part}`, [channels]));
      return graph.node("BatchNormalization", `/${name}`, [x, ...inputs], {
        epsilon: { kind: "float", value: epsilon },
      });
    }
    case "layer": {
      const name = `${cell}.ln${which}`;
      const [height, width] = network.fixedHeightWidth ?? [0, 0];
      const shape = [channels, height / 2 ** set.halvings, width / 2 ** set.halvings];
      const inputs = ["weight", "bias"].map((part) => weight(`${name}.${part}`, shape));
      return graph.node("LayerNormalization", `/${name}`, [x, ...inputs], {
        axis: { kind: "int", value: 1 },
        epsilon: { kind: "float", value: epsilon },
      });
    }
  }
}

/**
 * `softmax(q kᵀ / sqrt(D)) v` between the frames of one batch entry, D = channels per head · height · width.
 * One convolution makes q, k and v: `[B·T, 3C, H, W]` read as `[B, T, 3·heads, D]`, heads before frames.
 */
function attention(context: Context, set: BlockSet, cell: string, x: string): string {
  const { graph, network } = context;
  const name = `${cell}.attn`;
  const heads = network.architecture.n_head;
  const channels = set.channelsOut;
  const joined = joinedConvolution(context, name, channels, x);
  const batchAndDepth = graph.node("Shape", `/${name}/batch_depth`, [inputName], {
    start: { kind: "int", value: 0 },
    end: { kind: "int", value: 2 },
  });
  const headsShape = graph.node(
    "Concat",
    `/${name}/heads_shape`,
    [batchAndDepth, graph.integers(`/heads_${3 * heads}`, [3 * heads, -1])],
    { axis: { kind: "int", value: 0 } },
  );
  const split = graph.node("Reshape", `/${name}/heads`, [joined, headsShape]);
  const headsFirst = graph.node("Transpose", `/${name}/heads_first`, [split], {
    perm: { kind: "ints", value: [0, 2, 1, 3] },
  });
  const [query, key, value] = ["query", "key", "value"].map((part) => `/${name}/${part}`) as [
    string,
    string,
    string,
  ];
  graph.split(
    "Split",
    `/${name}/split`,
    [headsFirst, graph.integers(`/thirds_${heads}`, [heads, heads, heads])],
    [query, key, value],
    { axis: { kind: "int", value: 1 } },
  );
  const singleQuery = toSingle(context, `/${name}/query_single`, query);
  const singleKey = toSingle(context, `/${name}/key_single`, key);
  const centredKey = set.norm === "batch" ? fromMeanOfFrames(graph, name, singleKey) : singleKey;
  const keyTransposed = graph.node("Transpose", `/${name}/key_transposed`, [centredKey], {
    perm: { kind: "ints", value: [0, 1, 3, 2] },
  });
  const products = graph.node("MatMul", `/${name}/products`, [singleQuery, keyTransposed]);
  const scores = graph.node("Div", `/${name}/scores`, [products, rootOfLength(graph, name, query)]);
  const weights = graph.node("Softmax", `/${name}/weights`, [scores], { axis: { kind: "int", value: -1 } });
  const workingWeights = toWorking(context, `/${name}/weights_half`, weights);
  const mixed = graph.node("MatMul", `/${name}/mixed`, [workingWeights, value]);
  const framesFirst = graph.node("Transpose", `/${name}/frames_first`, [mixed], {
    perm: { kind: "ints", value: [0, 2, 1, 3] },
  });
  const heightWidth = graph.node("Shape", `/${name}/height_width`, [x], { start: { kind: "int", value: 2 } });
  const framesShape = graph.node(
    "Concat",
    `/${name}/frames_shape`,
    [graph.integers(`/frames_of_${channels}`, [-1, channels]), heightWidth],
    { axis: { kind: "int", value: 0 } },
  );
  const y = graph.node("Reshape", `/${name}/frames`, [framesFirst, framesShape]);
  return convolution(context, `${name}.output_proj`, y);
}

/**
 * Keys `[B, heads, T, D]` less what all frames have in common. That part adds the same to every score of a row, which
 * softmax does not see, and costs the scores digits: unlike the other norms, batch norm does not bound a single image,
 * and scores of 200 whose differences were below 4 made half of the output's error (fixture `mixed`).
 */
function fromMeanOfFrames(graph: GraphBuilder, name: string, key: string): string {
  const mean = graph.node("ReduceMean", `/${name}/key_mean`, [key], { axes: { kind: "ints", value: [2] } });
  return graph.node("Sub", `/${name}/key_centred`, [key, mean]);
}

/** sqrt(D) as a float, from the last dimension of `[B, heads, T, D]`. */
function rootOfLength(graph: GraphBuilder, name: string, query: string): string {
  const length = graph.node("Shape", `/${name}/length`, [query], { start: { kind: "int", value: 3 } });
  const asFloat = graph.node("Cast", `/${name}/length_float`, [length], { to: { kind: "int", value: 1 } });
  return graph.node("Sqrt", `/${name}/length_root`, [asFloat]);
}

function mixer(context: Context, cell: string, x: string): string {
  const wide = convolution(context, `${cell}.mlp.0`, x);
  return convolution(context, `${cell}.mlp.2`, gelu(context, `/${cell}/mlp.1`, wide));
}

/** x/2 · (1 + erf(x / √2)), in the order of operations that ONNX Runtime's GeluFusion knows. */
function gelu(context: Context, name: string, x: string): string {
  const { graph } = context;
  const scalar = (label: string, value: number): string => constant(context, label, [], [value]);
  const scaled = graph.node("Div", `${name}/scaled`, [x, scalar("/root_of_two", Math.SQRT2)]);
  const erf = graph.node("Erf", `${name}/erf`, [scaled]);
  const shifted = graph.node("Add", `${name}/shifted`, [erf, scalar("/one", 1)]);
  const product = graph.node("Mul", `${name}/product`, [x, shifted]);
  return graph.node("Mul", name, [product, scalar("/one_half", 0.5)]);
}

/** A constant in the precision of the activations. */
function constant(
  { graph, half }: Context,
  name: string,
  shape: readonly number[],
  values: ArrayLike<number>,
) {
  return half ? graph.halves(name, shape, values) : graph.floats(name, shape, values);
}

function convolution(context: Context, name: string, x: string): string {
  const { network } = context;
  const weight = network.weight(`${name}.conv2d.weight`);
  const bias = network.weight(`${name}.conv2d.bias`);
  return convolve(context, name, x, weight, bias);
}

function joinedConvolution(context: Context, attn: string, channels: number, x: string): string {
  const { network } = context;
  const parts = ["query", "key", "value"].map((part) => `${attn}.${part}.conv2d`);
  const join = (suffix: string, length: number): Float64Array => {
    const all = new Float64Array(3 * length);
    for (const [i, part] of parts.entries()) all.set(network.weight(`${part}.${suffix}`), i * length);
    return all;
  };
  const kernel = network.architecture.kernel_size;
  const weight = join("weight", channels * channels * kernel * kernel);
  return convolve(context, `${attn}.query_key_value`, x, weight, join("bias", channels));
}

function convolve(
  context: Context,
  name: string,
  x: string,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
): string {
  const { graph, network } = context;
  const kernel = network.architecture.kernel_size;
  const pad = (kernel - 1) / 2;
  const channelsIn = weight.length / (bias.length * kernel * kernel);
  const inputs = [
    x,
    constant(context, `${name}.conv2d.weight`, [bias.length, channelsIn, kernel, kernel], weight),
    constant(context, `${name}.conv2d.bias`, [bias.length], bias),
  ];
  return graph.node("Conv", `/${name}`, inputs, {
    kernel_shape: { kind: "ints", value: [kernel, kernel] },
    pads: { kind: "ints", value: [pad, pad, pad, pad] },
    strides: { kind: "ints", value: [1, 1] },
  });
}
