import { endianness } from "node:os";
import { bytesOf, type Samples } from "../../core/acquisition.ts";
import type { ByteSource } from "../file/byte-source.ts";

const nativeOrder = endianness() === "LE" ? "little" : "big";

/** Reads samples that lie in the file as in memory, from byte `start`, straight into `target`. */
export async function readContiguous(
  source: ByteSource,
  byteOrder: "little" | "big",
  start: number,
  target: Samples,
): Promise<void> {
  const bytes = bytesOf(target);
  await source.readInto(bytes, start);
  swapUnlessNative(bytes, target.BYTES_PER_ELEMENT, byteOrder);
}

/** Swaps the bytes of each value in place, to or from `byteOrder`, where that is not the order of this machine. */
export function swapUnlessNative(bytes: Uint8Array, valueBytes: number, byteOrder: "little" | "big"): void {
  if (byteOrder === nativeOrder || valueBytes === 1) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (valueBytes === 2) buffer.swap16();
  else if (valueBytes === 4) buffer.swap32();
  else buffer.swap64();
}
