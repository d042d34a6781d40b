import { isEdgeError, unsupportedError, usageError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import { type ByteSource, openByteSource } from "../../formats/file/byte-source.ts";
import { decodeElements, type Elements } from "./element-types.ts";
import type { TensorReference } from "./pickle-values.ts";
import { spanOf } from "./rebuild-tensor.ts";
import { readSafetensors } from "./safetensors.ts";
import { readStreamCheckpoint, streamMagicLength } from "./stream-checkpoint.ts";
import type { StoredTensors, TensorDict } from "./tensor-dicts.ts";
import { readZipCheckpoint } from "./zip-checkpoint.ts";

const zipMagic = Buffer.from("PK\u0003\u0004", "latin1");

/** A checkpoint opened for reading: names and shapes are known, elements are read when asked for. */
export interface Checkpoint {
  readonly file: string;
  /** Every dict in it that holds tensors by name; at least one. */
  readonly dicts: readonly TensorDict[];
  /** The elements of one tensor, C order. `name` is for messages. */
  read(tensor: TensorReference, name: string): Promise<Elements>;
  close(): Promise<void>;
}

/** Opens a file that training wrote, which may be anything. Throws `EdgeError` naming what is wrong. */
export async function openCheckpoint(file: string): Promise<Checkpoint> {
  const source = await openRegularFile(file);
  try {
    const stored = await readStored(source);
    return {
      file,
      dicts: stored.dicts,
      read: (tensor, name) => readTensor(stored, tensor, { file, name }),
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** By content, never by the name's ending. */
async function readStored(source: ByteSource): Promise<StoredTensors> {
  const head = Buffer.alloc(Math.min(512, source.size));
  await source.readInto(head, 0);
  if (head.subarray(0, 4).equals(zipMagic)) return readZipCheckpoint(source);
  if (streamMagicLength(head) !== undefined) return readStreamCheckpoint(source);
  if (head[8] === 0x7b) return readSafetensors(source);
  throw unsupportedError("this is not a checkpoint that cnnt-edge reads", {
    code: "checkpoint-unknown",
    file: source.file,
    found: kindOf(head),
    allowed: "a file written by torch.save, or .safetensors",
    remedy: "Save the weights with torch.save(model.state_dict(), path)",
  });
}

/** What people take for a checkpoint. */
function kindOf(head: Buffer): string {
  if (head[0] === 0x80) return "a bare pickle, which holds no tensors of torch.save";
  if (head.subarray(257, 262).toString("latin1") === "ustar")
    return "a tar archive, torch.save's form of 2017";
  if (head.subarray(1, 4).toString("latin1") === "HDF") return "an HDF5 file, as Keras writes";
  return `a file that begins with ${head.subarray(0, 4).toString("hex") || "nothing"}`;
}

/**
 * Weights of one network, all together: five times the largest that was trained with the published code. More would
 * not fit beside a microscope's images.
 */
const maxElements = 1 << 26;

/**
 * Refuses tensors that are larger than what lies in the file for them: a few bytes may be expanded (stride 0) to any
 * size. To be asked before the first of them is read.
 */
export function refuseUnfounded(tensors: ReadonlyMap<string, TensorReference>, file: string): void {
  const storages = new Map<string, number>();
  let total = 0;
  let spans = 0;
  for (const [name, tensor] of tensors) {
    const elements = elementCount(tensor.shape);
    if (elements > tensor.storage.elements) throw expanded(name, elements, tensor.storage.elements, file);
    storages.set(tensor.storage.key, tensor.storage.elements);
    total += elements;
    spans += spanOf(tensor);
  }
  const stored = [...storages.values()].reduce((sum, elements) => sum + elements, 0);
  if (total > stored) throw expanded("all tensors together", total, stored, file);
  if (spans > maxElements) {
    throw unsupportedError("the checkpoint is larger than any CNNT", {
      code: "torch-tensors-large",
      file,
      found: `${spans} elements`,
      allowed: `at most ${maxElements}`,
      remedy: "Export what the CNNT training wrote",
    });
  }
}

function expanded(at: string, elements: number, stored: number, file: string) {
  return unsupportedError(
    "a tensor repeats its elements (it was expanded), which weights of a CNNT never do",
    {
      code: "torch-tensor-expanded",
      file,
      at,
      found: `${elements} elements from ${stored} stored ones`,
      remedy:
        "Save the tensors with .contiguous() or .clone(); if you did not make this file, do not trust it",
    },
  );
}

async function readTensor(
  stored: StoredTensors,
  tensor: TensorReference,
  { file, name }: { readonly file: string; readonly name: string },
): Promise<Elements> {
  refuseUnfounded(new Map([[name, tensor]]), file);
  const { storage, shape, strides, offset } = tensor;
  const bytes = await stored.readElements(storage, { first: offset, count: spanOf(tensor) }, name);
  const elements = decodeElements(bytes, storage.elementType);
  if (elements === undefined) {
    throw unsupportedError("a tensor has a type of elements that weights never have", {
      code: "torch-element-type",
      file,
      at: name,
      found: storage.elementType,
      allowed: "float32, float64, float16 or bfloat16",
      remedy: "Save the weights as model.float().state_dict()",
    });
  }
  return gather(elements, shape, strides);
}

/** The view's elements in C order, whatever its strides (channels-last and transposed weights occur). */
export function gather(elements: Elements, shape: readonly number[], strides: readonly number[]): Elements {
  const total = elementCount(shape);
  const out = elements instanceof Float64Array ? new Float64Array(total) : new Float32Array(total);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let i = 0; i < total; i += 1) {
    out[i] = elements[from] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const stride = strides[axis] ?? 0;
      const next = (index[axis] ?? 0) + 1;
      from += stride;
      if (next < (shape[axis] ?? 0)) {
        index[axis] = next;
        break;
      }
      from -= stride * next;
      index[axis] = 0;
    }
  }
  return out;
}

/** The folder and the missing file are what people name by mistake. */
async function openRegularFile(file: string): Promise<ByteSource> {
  try {
    return await openByteSource(file);
  } catch (error) {
    if (isEdgeError(error, "file-is-folder")) {
      throw usageError("this is a folder, not a checkpoint", {
        code: "checkpoint-missing",
        file,
        remedy: "Name the weights file in it (.pt or .pth)",
      });
    }
    if (isEdgeError(error, "file-missing")) {
      throw usageError("there is no such file", {
        code: "checkpoint-missing",
        file,
        remedy: "Name the weights that training wrote (.pt or .pth)",
        cause: error,
      });
    }
    throw error;
  }
}
