import type { StorageReference, TensorReference } from "./pickle-values.ts";

/** What each file format gives: which tensors there are, and the bytes of a storage when asked. */
export interface StoredTensors {
  readonly file: string;
  /** By name, as the checkpoint names them. */
  readonly tensors: ReadonlyMap<string, TensorReference>;
  /** All bytes of one storage, little-endian; `tensorName` is for the message when it is cut. */
  readStorage(storage: StorageReference, tensorName: string): Promise<Buffer>;
  close(): Promise<void>;
}
