import { open } from "node:fs/promises";
import { unsupportedError, usageError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import { decodeElements, type Elements } from "./element-types.ts";
import type { ElementTypeName } from "./pickle-values.ts";
import { openSafetensors } from "./safetensors.ts";
import type { StoredTensors } from "./stored-tensors.ts";
import { openStreamCheckpoint, streamMagicLength } from "./stream-checkpoint.ts";
import { openZipCheckpoint } from "./zip-checkpoint.ts";

const zipMagic = Buffer.from("PK\u0003\u0004", "latin1");

/** A checkpoint opened for reading: names and shapes are known, elements are read when asked for. */
export interface Checkpoint {
  readonly file: string;
  readonly tensors: ReadonlyMap<
    string,
    { readonly type: ElementTypeName; readonly shape: readonly number[] }
  >;
  /** The elements of one tensor, C order. */
  read(name: string): Promise<Elements>;
  close(): Promise<void>;
}

const maxTensorElements = 1 << 28;

/** `place`: which of several networks in the file, see `stateDictOf`. */
export async function openCheckpoint(file: string, place?: string): Promise<Checkpoint> {
  const stored = await openStored(file, place);
  return {
    file,
    tensors: new Map(
      [...stored.tensors].map(([name, { storage, shape }]) => [name, { type: storage.elementType, shape }]),
    ),
    read: (name) => readTensor(stored, name),
    close: () => stored.close(),
  };
}

/** By content, never by the name's ending. */
async function openStored(file: string, place: string | undefined): Promise<StoredTensors> {
  const head = await firstBytes(file);
  if (head.subarray(0, 4).equals(zipMagic)) return openZipCheckpoint(file, place);
  if (streamMagicLength(head) !== undefined) return openStreamCheckpoint(file, place);
  if (head[8] === 0x7b) {
    if (place === undefined) return openSafetensors(file);
    throw usageError("a .safetensors file holds one network", {
      code: "checkpoint-state-dict-place",
      file,
      found: place,
      remedy: "Leave out --state-dict",
    });
  }
  throw unsupportedError("this is no checkpoint that we read", {
    code: "checkpoint-unknown",
    file,
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

async function readTensor(stored: StoredTensors, name: string): Promise<Elements> {
  const tensor = stored.tensors.get(name);
  if (tensor === undefined) {
    throw usageError(`the checkpoint has no tensor ${name}`, {
      code: "checkpoint-no-tensor",
      file: stored.file,
    });
  }
  const { storage, shape, strides, offset } = tensor;
  const reach = shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] ?? 0), 0);
  const count = shape.includes(0) ? 0 : reach + 1;
  if (elementCount(shape) > maxTensorElements || count > maxTensorElements) {
    throw unsupportedError("a tensor is larger than any weight of this network", {
      code: "torch-tensor-large",
      file: stored.file,
      at: name,
      found: `${elementCount(shape)} elements`,
      allowed: `at most ${maxTensorElements}`,
    });
  }
  const bytes = await stored.readElements(storage, { first: offset, count }, name);
  return gather(decodeElements(bytes, storage.elementType), shape, strides);
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

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file, "r").catch((cause: NodeJS.ErrnoException) => {
    throw usageError(cause.code === "ENOENT" ? "there is no such file" : "the file cannot be opened", {
      code: "checkpoint-missing",
      file,
      ...(cause.code === undefined ? {} : { found: cause.code }),
      remedy: "Name the weights that training wrote (.pt or .pth)",
      cause,
    });
  });
  try {
    if (!(await handle.stat()).isFile()) {
      throw usageError("this is a folder, not a checkpoint", {
        code: "checkpoint-missing",
        file,
        remedy: "Name the weights file in it (.pt or .pth)",
      });
    }
    const buffer = Buffer.alloc(512);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
