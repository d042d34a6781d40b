import { formatError, unsupportedError } from "../../core/errors.ts";
import {
  elementTypes,
  type PickleGlobal,
  type PickleTuple,
  type PickleValue,
  type StorageClass,
  type StorageReference,
  type TensorReference,
} from "./pickle-values.ts";

/**
 * The closed list of names that a checkpoint may use, and what each builds when the pickle "calls" it. A pickle can
 * name any function of any installed module; a reader that resolves names runs whatever a stranger wrote.
 */

const storageNames = Object.keys(elementTypes).map((name) => `torch.${name}`);

const allowed = new Set([
  "collections.OrderedDict",
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_parameter",
  "torch.Size",
  ...storageNames,
]);

/** Where a refusal points to. */
export interface PicklePlace {
  readonly file: string;
  /** Byte offset in the pickle. */
  readonly offset: number;
}

export function resolveGlobal(module: string, name: string, place: PicklePlace): PickleGlobal {
  const full = `${module}.${name}`;
  if (!allowed.has(full)) {
    throw unsupportedError(`the checkpoint names ${full}, which no weights need; nothing was run`, {
      code: "pickle-global",
      file: place.file,
      at: `byte ${place.offset} of its pickle`,
      found: full,
      remedy:
        "Save the weights alone, as torch.save(model.state_dict(), path); if you did not make this file, do not trust it",
    });
  }
  return { kind: "global", name: full };
}

/** REDUCE: what a name applied to a tuple of arguments builds. */
export function reduce(callee: PickleValue, args: PickleValue, place: PicklePlace): PickleValue {
  if (!isGlobal(callee) || !isTuple(args))
    throw malformed("REDUCE of something that is no known name", place);
  switch (callee.name) {
    case "collections.OrderedDict":
      return orderedDict(args, place);
    case "torch._utils._rebuild_tensor_v2":
      return rebuildTensor(args.items, place);
    case "torch._utils._rebuild_parameter": {
      const [data] = args.items;
      if (typeof data !== "object" || data?.kind !== "tensor")
        throw malformed("a parameter without a tensor", place);
      return data;
    }
    case "torch.Size": {
      const [sizes] = args.items;
      if (sizes === undefined || !isTuple(sizes)) throw malformed("torch.Size without sizes", place);
      return sizes;
    }
    default:
      throw unsupportedError(`the checkpoint calls ${callee.name}, which no weights need`, {
        code: "pickle-reduce",
        file: place.file,
        at: `byte ${place.offset} of its pickle`,
        found: callee.name,
        remedy: "Save the weights alone, as torch.save(model.state_dict(), path)",
      });
  }
}

/** BINPERSID: `('storage', torch.XStorage, key, device, elements)`. */
export function storageOf(value: PickleValue, place: PicklePlace): StorageReference {
  if (!isTuple(value)) throw malformed("a persistent id that is no tuple", place);
  const [word, type, key, , elements] = value.items;
  if (word !== "storage" || type === undefined || !isGlobal(type) || typeof key !== "string") {
    throw malformed("a persistent id that is no storage", place);
  }
  const storageClass = type.name.slice("torch.".length);
  if (!storageNames.includes(type.name)) throw malformed(`a storage of type ${type.name}`, place);
  const { name, bytes } = elementTypes[storageClass as StorageClass];
  return {
    kind: "storage",
    key,
    elementType: name,
    elementBytes: bytes,
    elements: count(elements, "a storage's length", place),
  };
}

function rebuildTensor(args: readonly PickleValue[], place: PicklePlace): TensorReference {
  const [storage, offset, shape, strides] = args;
  if (typeof storage !== "object" || storage?.kind !== "storage")
    throw malformed("a tensor without storage", place);
  if (!isTuple(shape) || !isTuple(strides) || shape.items.length !== strides.items.length) {
    throw malformed("a tensor whose shape and strides do not fit", place);
  }
  const tensor: TensorReference = {
    kind: "tensor",
    storage,
    offset: count(offset, "a tensor's offset", place),
    shape: shape.items.map((length) => count(length, "a tensor's length", place)),
    strides: strides.items.map((stride) => count(stride, "a tensor's stride", place)),
  };
  const empty = tensor.shape.includes(0);
  const last = tensor.shape.reduce(
    (sum, length, i) => sum + (length - 1) * (tensor.strides[i] ?? 0),
    tensor.offset,
  );
  if (!empty && last >= storage.elements) {
    throw formatError("a tensor reaches beyond its storage", {
      code: "torch-tensor-outside",
      file: place.file,
      at: `byte ${place.offset} of its pickle`,
      found: `element ${last} of storage ${storage.key}`,
      allowed: `fewer than ${storage.elements}`,
    });
  }
  return tensor;
}

function orderedDict(args: PickleTuple, place: PicklePlace): PickleValue {
  const entries = new Map<PickleValue, PickleValue>();
  const [pairs] = args.items;
  if (pairs !== undefined) {
    if (typeof pairs !== "object" || pairs?.kind !== "list")
      throw malformed("an OrderedDict of no list", place);
    for (const pair of pairs.items) {
      const items =
        typeof pair === "object" && (pair?.kind === "list" || pair?.kind === "tuple") ? pair.items : [];
      const [key, value] = items;
      if (key === undefined || value === undefined) throw malformed("an OrderedDict of no pairs", place);
      entries.set(key, value);
    }
  }
  return { kind: "dict", entries };
}

/** A non-negative integer that a double holds exactly. */
function count(value: PickleValue | undefined, what: string, place: PicklePlace): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 0) {
    throw malformed(`${what} that is no count`, place);
  }
  return number;
}

function isGlobal(value: PickleValue): value is PickleGlobal {
  return typeof value === "object" && value !== null && value.kind === "global";
}

function isTuple(value: PickleValue | undefined): value is PickleTuple {
  return typeof value === "object" && value !== null && value.kind === "tuple";
}

export function malformed(found: string, place: PicklePlace) {
  return formatError("the checkpoint's pickle is damaged or of an unknown kind", {
    code: "pickle-malformed",
    file: place.file,
    at: `byte ${place.offset} of its pickle`,
    found,
    remedy: "Save the weights again, as torch.save(model.state_dict(), path)",
  });
}

/** The pickle goes on after the bytes at hand: a cut file, or a window that is too small. */
export function cutShort(place: PicklePlace) {
  return formatError("the checkpoint's pickle is cut", {
    code: "pickle-cut",
    file: place.file,
    at: `byte ${place.offset} of its pickle`,
    remedy: "Copy the file again",
  });
}
