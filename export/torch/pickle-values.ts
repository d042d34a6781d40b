/** What an allow-listed pickle can build: data, and names that stand for torch's own things. Nothing is ever called. */

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleList
  | PickleTuple
  | PickleDict
  | PickleGlobal
  | OpaqueValue
  | StorageReference
  | TensorReference;

export interface PickleList {
  readonly kind: "list";
  readonly items: PickleValue[];
}

export interface PickleTuple {
  readonly kind: "tuple";
  readonly items: readonly PickleValue[];
}

/** `dict`, `OrderedDict`, `defaultdict` and `Counter` alike. Keys that are not text are kept under their own value. */
export interface PickleDict {
  readonly kind: "dict";
  readonly entries: Map<PickleValue, PickleValue>;
}

export interface PickleGlobal {
  readonly kind: "global";
  /** `module.name`, one of the allowed. */
  readonly name: string;
}

/** Something beside the weights whose content nobody needs: bytes, a set, a NumPy number, a date. */
export interface OpaqueValue {
  readonly kind: "opaque";
}

export const opaque: OpaqueValue = { kind: "opaque" };

export const elementTypes = {
  FloatStorage: { name: "float32", bytes: 4 },
  DoubleStorage: { name: "float64", bytes: 8 },
  HalfStorage: { name: "float16", bytes: 2 },
  BFloat16Storage: { name: "bfloat16", bytes: 2 },
  LongStorage: { name: "int64", bytes: 8 },
  IntStorage: { name: "int32", bytes: 4 },
  ShortStorage: { name: "int16", bytes: 2 },
  CharStorage: { name: "int8", bytes: 1 },
  ByteStorage: { name: "uint8", bytes: 1 },
  BoolStorage: { name: "bool", bytes: 1 },
  ComplexFloatStorage: { name: "complex64", bytes: 8 },
  ComplexDoubleStorage: { name: "complex128", bytes: 16 },
  QInt8Storage: { name: "qint8", bytes: 1 },
  QUInt8Storage: { name: "quint8", bytes: 1 },
  QInt32Storage: { name: "qint32", bytes: 4 },
  UntypedStorage: { name: "bytes", bytes: 1 },
} as const;
export type StorageClass = keyof typeof elementTypes;
export type ElementTypeName = (typeof elementTypes)[StorageClass]["name"];

/** A run of elements stored elsewhere in the checkpoint, shared by the tensors that name it. */
export interface StorageReference {
  readonly kind: "storage";
  readonly key: string;
  readonly elementType: ElementTypeName;
  readonly elementBytes: number;
  readonly elements: number;
}

/** A view of a storage: offset and strides count elements, as torch counts them. */
export interface TensorReference {
  readonly kind: "tensor";
  readonly storage: StorageReference;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export function isDict(value: PickleValue | undefined): value is PickleDict {
  return typeof value === "object" && value !== null && value.kind === "dict";
}

export function isTensor(value: PickleValue | undefined): value is TensorReference {
  return typeof value === "object" && value !== null && value.kind === "tensor";
}

/** The items of a list or a tuple. */
export function itemsOf(value: PickleValue | undefined): readonly PickleValue[] | undefined {
  const isSequence =
    typeof value === "object" && value !== null && (value.kind === "list" || value.kind === "tuple");
  return isSequence ? value.items : undefined;
}
