import { type FileHandle, open } from "node:fs/promises";
import { z } from "zod";
import { formatError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import { elementTypes, type TensorReference } from "./pickle-values.ts";
import { withoutPrefixes } from "./state-dict.ts";
import type { StoredTensors } from "./stored-tensors.ts";

/**
 * `.safetensors`: eight bytes of header length, a JSON header, then the tensors' bytes, covered exactly once.
 * Source: huggingface/safetensors, README, "Format".
 */

const maxHeaderBytes = 100_000_000;

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
} as const;

const headerSchema = z.record(
  z.string(),
  z.object({
    dtype: z.enum(Object.keys(byName) as (keyof typeof byName)[]),
    shape: z.array(z.int().nonnegative()),
    data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
  }),
);

export async function openSafetensors(file: string): Promise<StoredTensors> {
  const handle = await open(file, "r");
  try {
    const { header, dataStart } = await readHeader(handle, file);
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
    const { size } = await handle.stat();
    if (dataStart + covered !== size) throw damaged(file, `${size} bytes instead of ${dataStart + covered}`);
    return {
      file,
      tensors: withoutPrefixes(tensors),
      readElements: async (storage, { first, count }) => {
        const buffer = Buffer.allocUnsafeSlow(count * storage.elementBytes);
        const position = (offsets.get(storage.key) ?? 0) + first * storage.elementBytes;
        await handle.read(buffer, 0, buffer.length, position);
        return buffer;
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readHeader(handle: FileHandle, file: string) {
  const length = Buffer.alloc(8);
  await handle.read(length, 0, 8, 0);
  const headerBytes = Number(length.readBigUInt64LE(0));
  const { size } = await handle.stat();
  if (headerBytes > maxHeaderBytes || 8 + headerBytes > size)
    throw damaged(file, `a header of ${headerBytes} bytes`);
  const text = Buffer.alloc(headerBytes);
  await handle.read(text, 0, headerBytes, 8);
  let json: unknown;
  try {
    json = JSON.parse(text.toString("utf8"));
  } catch {
    throw damaged(file, "a header that is no JSON");
  }
  const { __metadata__: _metadata, ...entries } = (json ?? {}) as Record<string, unknown>;
  const parsed = headerSchema.safeParse(entries);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw damaged(file, `${issue?.path.join(".") ?? "header"}: ${issue?.message ?? "unknown"}`);
  }
  return { header: parsed.data, dataStart: 8 + headerBytes };
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
  return formatError("this is no sound .safetensors file", {
    code: "safetensors-damaged",
    file,
    found,
    remedy: "Copy the file again, or save it again with safetensors.torch.save_file",
  });
}
