import { endianness } from "node:os";
import type { Samples } from "../../core/acquisition.ts";
import type { ByteSource } from "../file/byte-source.ts";

const nativeOrder = endianness() === "LE" ? "little" : "big";

/** Reads samples that lie in the file as in memory, from byte `start`, straight into `target`. */
export async function readContiguous(
  source: ByteSource,
  byteOrder: "little" | "big",
  start: number,
  target: Samples,
): Promise<void> {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  await source.readInto(bytes, start);
  toNativeOrder(bytes, target.BYTES_PER_ELEMENT, byteOrder);
}

/** Swaps the bytes of values in place where they are not in the order of this machine. */
export function toNativeOrder(bytes: Uint8Array, valueBytes: number, byteOrder: "little" | "big"): void {
  if (byteOrder === nativeOrder || valueBytes === 1) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (valueBytes === 2) buffer.swap16();
  else if (valueBytes === 4) buffer.swap32();
  else buffer.swap64();
}
