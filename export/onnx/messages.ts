/**
 * The ONNX messages that our graphs are made of, as plain values, and their bytes. Field numbers are those of
 * onnx.proto3 (IR version 8); each stands beside its name.
 */

const irVersion = 8;
/** Version of the standard operators. */
export const opset = 17;

export const elementTypes = { float32: 1, int64: 7, float16: 10 } as const;
export type ElementType = keyof typeof elementTypes;

/** A constant in the graph. `bytes` is little-endian, C order. */
export interface Initializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A number and a list of numbers are integers. */
export type Attribute = number | readonly number[] | string | { readonly float: number };

export interface GraphNode {
  readonly name: string;
  readonly opType: string;
  /** Absent for the standard operators. */
  readonly domain?: string;
  /** An optional input that is left out is "". */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A graph's input or output; a dimension that varies has a name. */
interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly graphName: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly Initializer[];
  readonly producerName: string;
  readonly producerVersion: string;
}

/** The bytes of a `.onnx` file. */
export function encodeModel(model: OnnxModel): Chunks {
  const graph: Chunks = [
    ...model.nodes.flatMap((node) => messageField(1, encodeNode(node))), // node
    ...stringField(2, model.graphName), // name
    ...model.initializers.flatMap((tensor) => messageField(5, encodeTensor(tensor))), // initializer
    ...model.inputs.flatMap((value) => messageField(11, encodeValueInfo(value))), // input
    ...model.outputs.flatMap((value) => messageField(12, encodeValueInfo(value))), // output
  ];
  return [
    ...integerField(1, irVersion), // ir_version
    ...stringField(2, model.producerName), // producer_name
    ...stringField(3, model.producerVersion), // producer_version
    ...messageField(7, graph), // graph
    ...messageField(8, integerField(2, opset)), // opset_import { version }, default domain
    ...foreignDomains(model).flatMap(
      (domain) => messageField(8, [...stringField(1, domain), ...integerField(2, 1)]), // opset_import { domain, version }
    ),
  ];
}

function foreignDomains(model: OnnxModel): string[] {
  return [...new Set(model.nodes.flatMap(({ domain }) => (domain === undefined ? [] : [domain])))];
}

function encodeNode(node: GraphNode): Chunks {
  return [
    ...node.inputs.flatMap((name) => stringField(1, name)), // input
    ...node.outputs.flatMap((name) => stringField(2, name)), // output
    ...stringField(3, node.name), // name
    ...stringField(4, node.opType), // op_type
    ...Object.entries(node.attributes).flatMap(
      ([name, attribute]) => messageField(5, encodeAttribute(name, attribute)), // attribute
    ),
    ...(node.domain === undefined ? [] : stringField(7, node.domain)), // domain
  ];
}

function encodeAttribute(name: string, attribute: Attribute): Chunks {
  const head = stringField(1, name); // name; field 20 is the type
  if (typeof attribute === "number") return [...head, ...integerField(3, attribute), ...integerField(20, 2)]; // i
  if (typeof attribute === "string") return [...head, ...stringField(4, attribute), ...integerField(20, 3)]; // s
  if ("float" in attribute) return [...head, ...floatField(2, attribute.float), ...integerField(20, 1)]; // f
  return [...head, ...packedIntegersField(8, attribute), ...integerField(20, 7)]; // ints
}

function encodeTensor(tensor: Initializer): Chunks {
  return [
    ...packedIntegersField(1, tensor.shape), // dims
    ...integerField(2, elementTypes[tensor.type]), // data_type
    ...stringField(8, tensor.name), // name
    ...bytesField(9, tensor.bytes), // raw_data
  ];
}

function encodeValueInfo(value: ValueInfo): Chunks {
  const dimensions = value.shape.flatMap((length) =>
    messageField(1, typeof length === "number" ? integerField(1, length) : stringField(2, length)),
  );
  const tensorType: Chunks = [
    ...integerField(1, elementTypes[value.type]), // elem_type
    ...messageField(2, dimensions), // shape
  ];
  return [...stringField(1, value.name), ...messageField(2, messageField(1, tensorType))]; // type.tensor_type
}

/**
 * The protobuf wire format, writing only. A message is a list of chunks, so that the bytes of large tensors are
 * carried by reference and never copied. Source: protobuf.dev, "Encoding".
 */

type Chunks = readonly Uint8Array[];

const wireVarint = 0;
const wireLengthDelimited = 2;
const wireFixed32 = 5;

/** Base-128, least significant group first; negative numbers as 64-bit two's complement. */
function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const group = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? group : group | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}

function tag(field: number, wireType: number): Uint8Array {
  return varint((field << 3) | wireType);
}

function byteLength(chunks: Chunks): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

function integerField(field: number, value: number | bigint): Chunks {
  return [tag(field, wireVarint), varint(value)];
}

function floatField(field: number, value: number): Chunks {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [tag(field, wireFixed32), bytes];
}

function bytesField(field: number, bytes: Uint8Array): Chunks {
  return [tag(field, wireLengthDelimited), varint(bytes.byteLength), bytes];
}

function stringField(field: number, text: string): Chunks {
  return bytesField(field, new TextEncoder().encode(text));
}

function messageField(field: number, message: Chunks): Chunks {
  return [tag(field, wireLengthDelimited), varint(byteLength(message)), ...message];
}

/** Repeated integers in the packed form. */
function packedIntegersField(field: number, values: readonly (number | bigint)[]): Chunks {
  return messageField(field, values.map(varint));
}
