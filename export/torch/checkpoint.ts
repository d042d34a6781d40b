import { open } from "node:fs/promises";
import { formatError, unsupportedError, usageError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import { decodeElements, type Elements } from "./element-types.ts";
import { readPickle } from "./pickle.ts";
import type { ElementTypeName, PickleValue, TensorReference } from "./pickle-values.ts";
import { stateDictOf } from "./state-dict.ts";
import { openTorchArchive, type TorchArchive } from "./zip-archive.ts";

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

/** A pickle describes, it does not hold the weights; the largest seen is below 1 MB. */
const maxPickleBytes = 64 << 20;
const maxTensorElements = 1 << 28;

export async function openCheckpoint(file: string): Promise<Checkpoint> {
  const head = await firstBytes(file);
  if (head.subarray(0, 4).equals(Buffer.from("PK\u0003\u0004"))) return openZipCheckpoint(file);
  throw unsupportedError("this is no checkpoint that we read", {
    code: "checkpoint-unknown",
    file,
    found: `a file that begins with ${head.subarray(0, 4).toString("hex") || "nothing"}`,
    allowed: "a file written by torch.save (zip form)",
    remedy: "Save the weights with torch.save(model.state_dict(), path)",
  });
}

async function openZipCheckpoint(file: string): Promise<Checkpoint> {
  const archive = await openTorchArchive(file);
  try {
    const tensors = stateDictOf(await readRoot(archive), file);
    await refuseBigEndian(archive);
    return {
      file,
      tensors: new Map(
        [...tensors].map(([name, tensor]) => [
          name,
          { type: tensor.storage.elementType, shape: tensor.shape },
        ]),
      ),
      read: (name) => readTensor(archive, name, tensors),
      close: () => archive.close(),
    };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

async function readRoot(archive: TorchArchive): Promise<PickleValue> {
  const entry = archive.entries.get("data.pkl");
  if (entry === undefined || entry.bytes > maxPickleBytes) {
    throw unsupportedError("this zip file is no torch checkpoint", {
      code: "torch-no-pickle",
      file: archive.file,
      found: entry === undefined ? "no data.pkl" : `a data.pkl of ${entry.bytes} bytes`,
      allowed: `a data.pkl of at most ${maxPickleBytes} bytes`,
      remedy: "Save the weights with torch.save(model.state_dict(), path)",
    });
  }
  return readPickle(await archive.read(entry), archive.file).value;
}

async function refuseBigEndian(archive: TorchArchive): Promise<void> {
  const entry = archive.entries.get("byteorder");
  if (entry === undefined || entry.bytes > 16) return;
  const order = (await archive.read(entry)).toString("latin1").trim();
  if (order === "little") return;
  throw unsupportedError("the checkpoint was written on a big-endian machine", {
    code: "torch-big-endian",
    file: archive.file,
    found: order,
    remedy: "Load and save it once on an ordinary (x86 or ARM) machine",
  });
}

async function readTensor(
  archive: TorchArchive,
  name: string,
  tensors: ReadonlyMap<string, TensorReference>,
): Promise<Elements> {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    throw usageError(`the checkpoint has no tensor ${name}`, {
      code: "checkpoint-no-tensor",
      file: archive.file,
    });
  }
  const { storage } = tensor;
  const entry = archive.entries.get(`data/${storage.key}`);
  if (entry === undefined || entry.bytes !== storage.elements * storage.elementBytes) {
    throw formatError("a storage of the checkpoint is missing or cut", {
      code: "torch-storage-cut",
      file: archive.file,
      at: name,
      found: entry === undefined ? `no entry data/${storage.key}` : `${entry.bytes} bytes`,
      allowed: `${storage.elements * storage.elementBytes} bytes`,
      remedy: "Copy the file again",
    });
  }
  if (elementCount(tensor.shape) > maxTensorElements || storage.elements > maxTensorElements) {
    throw unsupportedError("a tensor is larger than any weight of this network", {
      code: "torch-tensor-large",
      file: archive.file,
      at: name,
      found: `${elementCount(tensor.shape)} elements`,
      allowed: `at most ${maxTensorElements}`,
    });
  }
  return gather(decodeElements(await archive.read(entry), storage.elementType), tensor);
}

/** The view's elements in C order, whatever its strides (channels-last and transposed weights occur). */
export function gather(
  storage: Elements,
  tensor: Pick<TensorReference, "offset" | "shape" | "strides">,
): Elements {
  const { offset, shape, strides } = tensor;
  const total = elementCount(shape);
  const out = storage instanceof Float64Array ? new Float64Array(total) : new Float32Array(total);
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let i = 0; i < total; i += 1) {
    out[i] = storage[from] ?? 0;
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
    const buffer = Buffer.alloc(16);
    const { bytesRead } = await handle.read(buffer, 0, 16, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
