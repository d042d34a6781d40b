import { roundHalfToEven } from "../../core/round.ts";
import type { ElementType, GraphNode, Initializer } from "./messages.ts";

type Attributes = GraphNode["attributes"];

export type GraphBuilder = ReturnType<typeof createGraphBuilder>;

/** Collects nodes and constants while a graph is described from input to output. Tensors are known by their names. */
export function createGraphBuilder() {
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
    nodes: nodes as readonly GraphNode[],
    get initializers(): readonly Initializer[] {
      return [...initializers.values()];
    },
    /** Adds a node with one output, which is named after the node, and returns that name. */
    node(opType: string, name: string, inputs: readonly string[], attributes: Attributes = {}): string {
      nodes.push({ name, opType, inputs, outputs: [name], attributes });
      return name;
    },
    /** Adds a node with several outputs. */
    split(
      opType: string,
      name: string,
      inputs: readonly string[],
      outputs: readonly string[],
      attributes: Attributes = {},
    ): void {
      nodes.push({ name, opType, inputs, outputs, attributes });
    },
    /** Adds a float32 constant and returns its name; one name is added once. */
    floats: (name: string, shape: readonly number[], values: ArrayLike<number>): string =>
      constant(name, "float32", shape, () => bytesIn(Float32Array.from(values))),
    /** As `floats`, in half precision. */
    halves: (name: string, shape: readonly number[], values: ArrayLike<number>): string =>
      constant(name, "float16", shape, () => bytesIn(Uint16Array.from(values, floatToHalf))),
    integers: (name: string, values: readonly number[]): string =>
      constant(name, "int64", [values.length], () => bytesIn(BigInt64Array.from(values, BigInt))),
  };
}

/** In the order of this machine, which is little-endian wherever ONNX Runtime runs. */
function bytesIn(values: Float32Array | Uint16Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer);
}

/** The nearest IEEE 754 binary16, ties to even; beyond 65504 infinity. */
export function floatToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  // 65520 is half-way between the largest half and the next that would follow.
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(magnitude || 2 ** -24)), -14);
  const step = 2 ** (exponent - 10);
  const units = roundHalfToEven(magnitude / step);
  // A normal number's units run from 1024 to 2047; 2048 carries into the exponent by itself.
  return sign | (exponent === -14 ? units : ((exponent + 14) << 10) + units);
}
