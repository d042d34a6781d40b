import type { CnntNetwork } from "../cnnt/network.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { elementTypes } from "./messages.ts";

/** Of the graph's single input and output. */
export const inputName = "image";
export const outputName = "output";

/** The layers that all parts of a CNNT are made of, in the precision of the package. */

export interface Context {
  readonly graph: GraphBuilder;
  readonly network: CnntNetwork;
  /** Whether activations are in half precision. */
  readonly half: boolean;
}

/** To the precision of the activations; nothing where that is float32. */
export function toWorking({ graph, half }: Context, name: string, x: string): string {
  return half ? graph.node("Cast", name, [x], { to: elementTypes.float16 }) : x;
}

export function toSingle({ graph, half }: Context, name: string, x: string): string {
  return half ? graph.node("Cast", name, [x], { to: elementTypes.float32 }) : x;
}

/** A constant in the precision of the activations. */
export function constant(
  { graph, half }: Context,
  name: string,
  shape: readonly number[],
  values: ArrayLike<number>,
) {
  return half ? graph.halves(name, shape, values) : graph.floats(name, shape, values);
}

export function convolution(context: Context, name: string, x: string): string {
  const { network } = context;
  const weight = network.weight(`${name}.conv2d.weight`);
  const bias = network.weight(`${name}.conv2d.bias`);
  return convolve(context, name, x, weight, bias);
}

export function joinedConvolution(context: Context, attn: string, channels: number, x: string): string {
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
    kernel_shape: [kernel, kernel],
    pads: [pad, pad, pad, pad],
    strides: [1, 1],
  });
}

export function mixer(context: Context, cell: string, x: string): string {
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
