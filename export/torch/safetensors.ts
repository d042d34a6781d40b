import { z } from "zod";
import { formatError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import type { ByteSource } from "../../formats/file/byte-source.ts";
import { elementTypes, type TensorReference } from "./pickle-values.ts";
import { outermost, type StoredTensors } from "./tensor-dicts.ts";

/**
 * `.safetensors`: eight bytes of header length, a JSON header, then the tensors' bytes, covered exactly once.
 * Source: huggingface/safetensors, README, "Format".
 */

/** A CNNT with an average of its weights takes 100 kB. */
const maxHeaderBytes = 8 << 20;

const byName = {
  F32: elementTypes.FloatStorage,
  F64: elementTypes.DoubleStorage,
  F16: elementTypes.HalfStorage,
  BF16: elementTypes.BFloat16Storage,
  I64: elementTypes.LongStorage,
  I32: elementTypes.IntStorage,
  I16: elementTypes.ShortStorage,
  I8: elementTypes.CharStorage,
  U8: elementTypes.ByteStorage,
  BOOL: elementTypes.BoolStorage,
  C64: elementTypes.ComplexFloatStorage,
} as const;

const headerSchema = z.record(
  z.string(),
  z.object({
    dtype: z.enum(Object.keys(byName) as (keyof typeof byName)[]),
    shape: z.array(z.int().nonnegative()),
    data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
  }),
);

export async function readSafetensors(source: ByteSource): Promise<StoredTensors> {
  const { file } = source;
  const { header, dataStart } = await readHeader(source);
  const tensors = new Map<string, TensorReference>();
  const offsets = new Map<string, number>();
  let covered = 0;
  for (const [name, entry] of Object.entries(header).sort(
    ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0],
  )) {
    const type = byName[entry.dtype];
    const elements = elementCount(entry.shape);
    const [begin, end] = entry.data_offsets;
    if (begin !== covered || end - begin !== elements * type.bytes)
      throw damaged(file, `odd offsets of ${name}`);
    covered = end;
    offsets.set(name, dataStart + begin);
    tensors.set(name, contiguous(name, type, entry.shape));
  }
  if (dataStart + covered !== source.size)
    throw damaged(file, `${source.size} bytes instead of ${dataStart + covered}`);
  if (tensors.size === 0) throw damaged(file, "no tensors");
  return {
    dicts: [{ place: outermost, tensors }],
    readElements: async (storage, { first, count }) => {
      const buffer = Buffer.allocUnsafeSlow(count * storage.elementBytes);
      await source.readInto(buffer, (offsets.get(storage.key) ?? 0) + first * storage.elementBytes);
      return buffer;
    },
  };
}

async function readHeader(source: ByteSource) {
  const { file } = source;
  const length = Buffer.alloc(8);
  await source.readInto(length, 0);
  const headerBytes = Number(length.readBigUInt64LE(0));
  if (headerBytes > maxHeaderBytes || 8 + headerBytes > source.size)
    throw damaged(file, `a header of ${headerBytes} bytes (at most ${maxHeaderBytes} are read)`);
  const bytes = Buffer.alloc(headerBytes);
  await source.readInto(bytes, 8);
  const text = bytes.toString("utf8");
  const odd = oddityOfHeader(text);
  if (odd !== undefined) throw damaged(file, odd);
  const json = parsedHeader(text, file);
  const { __metadata__: _metadata, ...entries } = (json ?? {}) as Record<string, unknown>;
  const parsed = headerSchema.safeParse(entries);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw damaged(file, `${issue?.path.join(".") ?? "header"}: ${issue?.message ?? "unknown"}`);
  }
  return { header: parsed.data, dataStart: 8 + headerBytes };
}

function parsedHeader(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged(file, "a header that is not JSON");
  }
}

function contiguous(
  name: string,
  type: (typeof byName)[keyof typeof byName],
  shape: readonly number[],
): TensorReference {
  const strides = shape.map((_, i) => elementCount(shape.slice(i + 1)));
  const storage = {
    kind: "storage",
    key: name,
    elementType: type.name,
    elementBytes: type.bytes,
    elements: elementCount(shape),
  } as const;
  return { kind: "tensor", storage, offset: 0, shape, strides };
}

function damaged(file: string, found: string) {
  return formatError("this is not a valid .safetensors file", {
    code: "safetensors-damaged",
    file,
    found,
    remedy: "Copy the file again, or save it again with safetensors.torch.save_file",
  });
}

/**
 * What is wrong with the structure of a `.safetensors` header, before `JSON.parse` takes it: that takes a name twice
 * without a word, and builds whatever is written. Source: huggingface/safetensors, README, "Format".
 */

/** Names of tensors; a CNNT has some 500, an average of its weights as many again. */
const maxNames = 20_000;
const maxNameLength = 512;
/** Axes of a tensor: a convolution's weights have four or five. */
const maxRank = 8;
/** Header, tensor, shape. */
const maxDepth = 3;

/** In words, or undefined for a structure that may be parsed; whether it is JSON at all is not looked at. */
function oddityOfHeader(text: string): string | undefined {
  const names = new Set<string>();
  let depth = 0;
  let commas = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === "{" || char === "[") {
      depth += 1;
      commas = 0;
      if (depth > maxDepth) return `a header nested deeper than ${maxDepth}`;
    } else if (char === "}" || char === "]") {
      depth -= 1;
    } else if (char === "," && depth === maxDepth) {
      commas += 1;
      if (commas >= maxRank) return `a tensor of more than ${maxRank} axes`;
    } else if (char === '"') {
      const end = endOfString(text, at);
      if (depth === 1 && isName(text, end)) {
        if (end - at > maxNameLength) return `a name of ${end - at} characters`;
        const name = text.slice(at, end);
        if (names.has(name)) return `two tensors with the name ${name}`;
        names.add(name);
        if (names.size > maxNames) return `more than ${maxNames} names`;
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** Position after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function isName(text: string, from: number): boolean {
  let at = from;
  while (/\s/.test(text[at] ?? "")) at += 1;
  return text[at] === ":";
}
