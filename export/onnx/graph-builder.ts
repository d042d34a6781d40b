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
    floats: (name, shape, values) =>
      constant(name, "float32", shape, () => bytesIn(Float32Array.from(values))),
    halves: (name, shape, values) =>
      constant(name, "float16", shape, () => bytesIn(Uint16Array.from(values, floatToHalf))),
    integers: (name, values) =>
      constant(name, "int64", [values.length], () => bytesIn(BigInt64Array.from(values, BigInt))),
  };
}

/** In the order of this machine, which is little-endian wherever ONNX Runtime runs. */
function bytesIn(values: Float32Array | Uint16Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer);
}
