import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { openByteSource, type WindowedReader, windowedReader } from "../../formats/file/byte-source.ts";

/**
 * Tensors of an ONNX file may lie in other files, where the file's hash does not reach and a path may lead anywhere.
 * The file is walked message by message, tensors' own bytes skipped. Field numbers are those of onnx.proto3, each
 * beside its name; wire types those of protobuf.dev, "Encoding".
 */

/** Which fields of a message hold messages that may hold tensors. */
type Inner = Readonly<Record<number, () => Message>>;
interface Message {
  readonly inner: Inner;
  /** The field that is there only where a tensor's bytes lie in another file. */
  readonly external?: number;
}

const tensor: Message = { inner: {}, external: 13 }; // external_data
const sparseTensor: Message = { inner: { 1: () => tensor, 2: () => tensor } }; // values, indices
const attribute: Message = {
  inner: {
    5: () => tensor, // t
    6: () => graph, // g
    10: () => tensor, // tensors
    11: () => graph, // graphs
    22: () => sparseTensor, // sparse_tensor
    23: () => sparseTensor, // sparse_tensors
  },
};
const node: Message = { inner: { 5: () => attribute } }; // attribute
const graph: Message = {
  inner: { 1: () => node, 5: () => tensor, 15: () => sparseTensor }, // node, initializer, sparse_initializer
};
const training: Message = { inner: { 1: () => graph, 2: () => graph } }; // initialization, algorithm
const functionProto: Message = { inner: { 7: () => node, 11: () => attribute } }; // node, attribute_proto
const model: Message = {
  inner: { 7: () => graph, 20: () => training, 25: () => functionProto }, // graph, training_info, functions
};

/** Fields of one file, and messages in messages; a network of a thousand layers has some ten thousand fields. */
const maxFields = 5_000_000;
const maxNesting = 64;

/** Throws `EdgeError`: `unsupported` where a tensor lies in another file, `format` where the file is not an ONNX model. */
export async function refuseExternalData(file: string): Promise<void> {
  const source = await openByteSource(file);
  try {
    const walk: Walk = { file, reader: windowedReader(source, 1 << 16), fields: 0 };
    await walkMessage(walk, model, 0, source.size, 0);
  } finally {
    await source.close();
  }
}

interface Walk {
  readonly file: string;
  readonly reader: WindowedReader;
  fields: number;
}

async function walkMessage(
  walk: Walk,
  message: Message,
  begin: number,
  end: number,
  depth: number,
): Promise<void> {
  if (depth > maxNesting) throw damaged(walk.file, begin, `more than ${maxNesting} messages in each other`);
  let at = begin;
  while (at < end) {
    walk.fields += 1;
    if (walk.fields > maxFields) throw damaged(walk.file, at, `more than ${maxFields} fields`);
    const tag = await readVarint(walk, at, end);
    const [field, wire] = [Math.floor(tag.value / 8), tag.value % 8];
    if (field === message.external) {
      throw unsupportedError("the model's weights lie in other files, which its hash does not cover", {
        code: "onnx-external-data",
        file: walk.file,
        allowed: "a model in one file",
        remedy: "Save it in one file: in Python, onnx.save(onnx.load(FILE), FILE)",
      });
    }
    at = tag.next;
    if (wire === 0) at = (await readVarint(walk, at, end)).next;
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const { value: length, next } = await readVarint(walk, at, end);
      if (next + length > end) throw damaged(walk.file, at, `a field of ${length} bytes beyond the end`);
      const inner = message.inner[field]?.();
      if (inner !== undefined) await walkMessage(walk, inner, next, next + length, depth + 1);
      at = next + length;
    } else throw damaged(walk.file, at, `wire type ${wire}`);
  }
  if (at > end) throw damaged(walk.file, begin, "a field beyond the end");
}

async function readVarint(walk: Walk, at: number, end: number): Promise<{ value: number; next: number }> {
  const bytes = await walk.reader.bytes(at, Math.min(10, end - at));
  let value = 0;
  for (const [i, byte] of bytes.entries()) {
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: at + i + 1 };
  }
  throw damaged(walk.file, at, "a number without end");
}

function damaged(file: string, at: number, found: string): EdgeError {
  return formatError("the file is not an ONNX model", {
    code: "onnx-damaged",
    file,
    at: `byte ${at}`,
    found,
    remedy: "Export the package again, or copy it again from where it came",
  });
}
