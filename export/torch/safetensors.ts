import { z } from "zod";
import { formatError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import type { ByteSource } from "../../formats/file/byte-source.ts";
import { elementTypes, type TensorReference } from "./pickle-values.ts";
import { oddityOfHeader } from "./safetensors-header.ts";
import type { StoredTensors } from "./stored-tensors.ts";
import { outermost } from "./tensor-dicts.ts";

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
