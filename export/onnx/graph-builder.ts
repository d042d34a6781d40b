import { floatToHalf } from "./half.ts";
import type { Attribute, ElementType, GraphNode, Initializer } from "./messages.ts";

/** Collects nodes and constants while a graph is described from input to output. Tensors are known by their names. */
export interface GraphBuilder {
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly Initializer[];
  /** Adds a node with one output, which is named after the node, and returns that name. */
  readonly node: (
    opType: string,
    name: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
  ) => string;
  /** Adds a node with several outputs. */
  readonly split: (
    opType: string,
    name: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
  ) => void;
  /** Adds a float32 constant and returns its name; one name is added once. */
  readonly floats: (name: string, shape: readonly number[], values: ArrayLike<number>) => string;
  /** As `floats`, in half precision. */
  readonly halves: (name: string, shape: readonly number[], values: ArrayLike<number>) => string;
  readonly integers: (name: string, values: readonly number[]) => string;
}

export function createGraphBuilder(): GraphBuilder {
  const nodes: GraphNode[] = [];
  const initializers = new Map<string, Initializer>();
  const constant = (
    name: string,
    type: ElementType,
    shape: readonly number[],
    bytes: () => Uint8Array,
  ): string => {
    if (!initializers.has(name)) initializers.set(name, { name, type, shape, bytes: bytes() });
    return name;
  };
  return {
    nodes,
    get initializers() {
      return [...initializers.values()];
    },
    node: (opType, name, inputs, attributes = {}) => {
      nodes.push({ name, opType, inputs, outputs: [name], attributes });
      return name;
    },
    split: (opType, name, inputs, outputs, attributes = {}) => {
      nodes.push({ name, opType, inputs, outputs, attributes });
    },
    floats: (name, shape, values) => constant(name, "float32", shape, () => float32Bytes(values)),
    halves: (name, shape, values) => constant(name, "float16", shape, () => float16Bytes(values)),
    integers: (name, values) => constant(name, "int64", [values.length], () => int64Bytes(values)),
  };
}

function float32Bytes(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i += 1) view.setFloat32(4 * i, values[i] ?? 0, true);
  return bytes;
}

function float16Bytes(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(2 * values.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i += 1) view.setUint16(2 * i, floatToHalf(values[i] ?? 0), true);
  return bytes;
}

function int64Bytes(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setBigInt64(8 * i, BigInt(value), true);
  return bytes;
}
