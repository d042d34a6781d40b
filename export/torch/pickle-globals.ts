import { unsupportedError } from "../../core/errors.ts";
import { malformed, type PicklePlace, type SpendSteps } from "./pickle-limits.ts";
import {
  elementTypes,
  isDict,
  isTensor,
  itemsOf,
  opaque,
  type PickleDict,
  type PickleGlobal,
  type PickleTuple,
  type PickleValue,
} from "./pickle-values.ts";
import { rebuildTensor } from "./rebuild-tensor.ts";

/**
 * The closed list of names that a checkpoint may use, and what each builds when the pickle "calls" it. A pickle can
 * name any function of any installed module; a reader that resolves names runs whatever a stranger wrote. The list
 * is torch's own of what may be loaded safely (torch/_weights_only_unpickler.py), and the plain data that labs keep
 * beside their weights: NumPy values, dates, paths, an `argparse` result.
 */

type Builder = (args: readonly PickleValue[], place: PicklePlace, spend: SpendSteps) => PickleValue;

/** Names that build what we look at. */
const builders = new Map<string, Builder>([
  ["collections.OrderedDict", ([items], place, spend) => dictOf(items, place, spend)],
  ["collections.Counter", ([items], place, spend) => dictOf(items, place, spend)],
  // The first argument makes what is missing: a name, which is never asked.
  ["collections.defaultdict", ([, items], place, spend) => dictOf(items, place, spend)],
  ["torch._utils._rebuild_tensor", rebuildTensor],
  ["torch._utils._rebuild_tensor_v2", rebuildTensor],
  ["torch._utils._rebuild_parameter", ([data], place) => tensorIn(data, place)],
  ["torch._utils._rebuild_parameter_with_state", ([data], place) => tensorIn(data, place)],
  ["torch.nn.parameter.Parameter", ([data], place) => tensorIn(data, place)],
  ["torch._tensor._rebuild_from_type_v2", rebuildFromType],
  ["torch.Size", ([sizes], place) => sizesIn(sizes, place)],
]);

/** Names whose values are kept closed: they stand beside the weights and tell nothing of them. */
const closed = new Set([
  "torch.device",
  "torch.serialization._get_layout",
  "torch._utils._rebuild_tensor_v3",
  "torch._utils._rebuild_qtensor",
  "torch._utils._rebuild_sparse_tensor",
  "torch._utils._rebuild_meta_tensor_no_storage",
  "torch._utils._rebuild_nested_tensor",
  "torch._utils._rebuild_wrapper_subclass",
  "torch._utils._rebuild_device_tensor_from_numpy",
  "torch._utils._rebuild_device_tensor_from_cpu_tensor",
  "_codecs.encode",
  ...["bytearray", "bytes", "complex", "frozenset", "set"].map((name) => `builtins.${name}`),
  ...["numpy.core", "numpy._core"].flatMap((module) => [
    `${module}.multiarray.scalar`,
    `${module}.multiarray._reconstruct`,
    `${module}.numeric._frombuffer`,
  ]),
  "numpy.dtype",
  "numpy.ndarray",
  ...["date", "datetime", "timedelta", "timezone"].map((name) => `datetime.${name}`),
  ...["Path", "PosixPath", "PurePosixPath", "PureWindowsPath", "WindowsPath"].map(
    (name) => `pathlib.${name}`,
  ),
  "argparse.Namespace",
  // Lightning's hyperparameters.
  "pytorch_lightning.utilities.parsing.AttributeDict",
  "lightning.pytorch.utilities.parsing.AttributeDict",
  "lightning_fabric.utilities.data.AttributeDict",
  "lightning.fabric.utilities.data.AttributeDict",
]);

const floats = ["float16", "float32", "float64", "bfloat16", "complex32", "complex64", "complex128"];
const shortFloats = ["float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"];
const integers = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"];
const quantized = ["qint8", "quint8", "qint32", "quint4x2", "quint2x4"];
const schemes = ["per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric"];

/** Names that are values themselves and are never called: element types, storages, what a `defaultdict` makes. */
const bare = new Set([
  ...Object.keys(elementTypes).map((name) => `torch.${name}`),
  "torch.storage.UntypedStorage",
  ...[...floats, ...shortFloats, ...integers, ...quantized, ...schemes].map((name) => `torch.${name}`),
  "torch.per_channel_affine_float_qparams",
  "torch.strided",
  "torch.Tensor",
  "torch.nn.parameter.Buffer",
  ...["bool", "dict", "float", "int", "list", "object", "str", "tuple"].map((name) => `builtins.${name}`),
]);

/** Longer names are nobody's; a message that repeats them would be as long. */
const maxNameLength = 200;

export function resolveGlobal(module: string, name: string, place: PicklePlace): PickleGlobal {
  // What Python 3 writes for Python 2 in protocol 2.
  const full = `${module === "__builtin__" ? "builtins" : module}.${name}`.slice(0, maxNameLength);
  if (!builders.has(full) && !closed.has(full) && !bare.has(full)) {
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

/** REDUCE and NEWOBJ: what a name applied to a tuple of arguments builds. */
export function reduce(
  callee: PickleValue,
  args: PickleValue,
  place: PicklePlace,
  spend: SpendSteps,
): PickleValue {
  if (!isGlobal(callee) || !isTuple(args))
    throw malformed("REDUCE of something that is no known name", place);
  if (closed.has(callee.name)) return opaque;
  const build = builders.get(callee.name);
  if (build !== undefined) return build(args.items, place, spend);
  throw unsupportedError(`the checkpoint calls ${callee.name}, which no weights need`, {
    code: "pickle-reduce",
    file: place.file,
    at: `byte ${place.offset} of its pickle`,
    found: callee.name,
    remedy: "Save the weights alone, as torch.save(model.state_dict(), path)",
  });
}

/** A tensor of a subclass, or with attributes: `(rebuild function, type, its arguments, state)`. */
function rebuildFromType(args: readonly PickleValue[], place: PicklePlace, spend: SpendSteps): PickleValue {
  const [callee, , inner] = args;
  if (callee === undefined || inner === undefined || !isGlobal(callee)) {
    throw malformed("a tensor subclass without a way to rebuild it", place);
  }
  // One inside another would be as deep as the file is long.
  if (builders.get(callee.name) === rebuildFromType)
    throw malformed("a tensor subclass of a subclass", place);
  return reduce(callee, inner, place, spend);
}

function tensorIn(data: PickleValue | undefined, place: PicklePlace): PickleValue {
  const isKnown = isTensor(data) || data === opaque;
  if (!isKnown) throw malformed("a parameter without a tensor", place);
  return data;
}

function sizesIn(sizes: PickleValue | undefined, place: PicklePlace): PickleValue {
  if (!isTuple(sizes)) throw malformed("torch.Size without sizes", place);
  return sizes;
}

/** Of nothing, of a dict, or of a list of pairs. Each item that is copied counts as a step. */
function dictOf(items: PickleValue | undefined, place: PicklePlace, spend: SpendSteps): PickleDict {
  if (items === undefined) return { kind: "dict", entries: new Map() };
  if (isDict(items)) {
    spend(items.entries.size, place);
    return { kind: "dict", entries: new Map(items.entries) };
  }
  const pairs = itemsOf(items);
  if (pairs === undefined) throw malformed("a dict of no list", place);
  spend(pairs.length, place);
  const entries = new Map<PickleValue, PickleValue>();
  for (const pair of pairs) {
    const [key, value] = itemsOf(pair) ?? [];
    if (key === undefined || value === undefined) throw malformed("a dict of no pairs", place);
    entries.set(key, value);
  }
  return { kind: "dict", entries };
}

function isGlobal(value: PickleValue): value is PickleGlobal {
  return typeof value === "object" && value !== null && value.kind === "global";
}

function isTuple(value: PickleValue | undefined): value is PickleTuple {
  return typeof value === "object" && value !== null && value.kind === "tuple";
}
