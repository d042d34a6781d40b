import type { StorageReference, TensorReference } from "./pickle-values.ts";

/** `count` elements from `first` on; within the storage. */
export interface ElementRange {
  readonly first: number;
  readonly count: number;
}

/** What each file format gives: which tensors there are, and the bytes of a storage when asked. */
export interface StoredTensors {
  readonly file: string;
  /** By name, as the checkpoint names them. */
  readonly tensors: ReadonlyMap<string, TensorReference>;
  /**
   * The bytes of some elements of a storage, little-endian. Only these are read: many tensors may share one large
   * storage. `tensorName` is for the message when it is cut.
   */
  readElements(storage: StorageReference, range: ElementRange, tensorName: string): Promise<Buffer>;
  close(): Promise<void>;
}
