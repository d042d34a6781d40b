import type { StorageReference } from "./pickle-values.ts";
import type { TensorDict } from "./tensor-dicts.ts";

/** `count` elements from `first` on; within the storage. */
export interface ElementRange {
  readonly first: number;
  readonly count: number;
}

/** What each file format gives: which tensors there are, and the bytes of a storage when asked. */
export interface StoredTensors {
  /** At least one. */
  readonly dicts: readonly TensorDict[];
  /**
   * The bytes of some elements of a storage, little-endian. Only these are read: many tensors may share one large
   * storage. `tensorName` is for the message when it is cut.
   */
  readElements(storage: StorageReference, range: ElementRange, tensorName: string): Promise<Buffer>;
}
