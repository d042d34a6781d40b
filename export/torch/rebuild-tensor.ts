import { formatError } from "../../core/errors.ts";
import { malformed, maxRank, type PicklePlace, tooMuch } from "./pickle-limits.ts";
import {
  elementTypes,
  itemsOf,
  type PickleValue,
  type StorageClass,
  type StorageReference,
  type TensorReference,
} from "./pickle-values.ts";

/** BINPERSID: `('storage', torch.XStorage, key, device, elements)`. */
export function storageOf(value: PickleValue, place: PicklePlace): StorageReference {
  const [word, type, key, , elements] = itemsOf(value) ?? [];
  const isNamed = typeof type === "object" && type !== null && type.kind === "global";
  if (word !== "storage" || !isNamed || typeof key !== "string") {
    throw malformed("a persistent id that is not a storage", place);
  }
  const storageClass = type.name.replace(/^torch\.(storage\.)?/, "");
  if (!(storageClass in elementTypes)) throw malformed(`a storage of type ${type.name}`, place);
  const { name, bytes } = elementTypes[storageClass as StorageClass];
  return {
    kind: "storage",
    key,
    elementType: name,
    elementBytes: bytes,
    elements: count(elements, "a storage's length", place),
  };
}

/** `_rebuild_tensor` and `_rebuild_tensor_v2`: `(storage, offset, shape, strides, …)`; what follows concerns gradients. */
export function rebuildTensor(args: readonly PickleValue[], place: PicklePlace): TensorReference {
  const [storage, offset] = args;
  const [shape, strides] = [itemsOf(args[2]), itemsOf(args[3])];
  if (typeof storage !== "object" || storage?.kind !== "storage")
    throw malformed("a tensor without storage", place);
  if (shape === undefined || strides === undefined || shape.length !== strides.length) {
    throw malformed("a tensor whose shape and strides do not fit", place);
  }
  if (shape.length > maxRank) {
    throw tooMuch("a tensor has too many axes", `${shape.length}, more than ${maxRank}`, place);
  }
  const tensor: TensorReference = {
    kind: "tensor",
    storage,
    offset: count(offset, "a tensor's offset", place),
    shape: shape.map((length) => count(length, "a tensor's length", place)),
    strides: strides.map((stride) => count(stride, "a tensor's stride", place)),
  };
  const last = tensor.offset + spanOf(tensor) - 1;
  if (last >= storage.elements) {
    throw formatError("a tensor reaches beyond its storage", {
      code: "torch-tensor-outside",
      file: place.file,
      at: `byte ${place.offset} of its pickle`,
      found: `element ${last} of storage ${storage.key.slice(0, 50)}`,
      allowed: `fewer than ${storage.elements}`,
    });
  }
  return tensor;
}

/** Elements of the storage from the tensor's first to its last. */
export function spanOf({ shape, strides }: Pick<TensorReference, "shape" | "strides">): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] ?? 0), 1);
}

/** A non-negative integer that a double holds exactly. */
function count(value: PickleValue | undefined, what: string, place: PicklePlace): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 0) {
    throw malformed(`${what} that is not a count`, place);
  }
  return number;
}
