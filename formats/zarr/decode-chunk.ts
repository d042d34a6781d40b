import { sampleTypes } from "../../core/acquisition.ts";
import { elementCount } from "../../core/tensor.ts";
import { unpackBlosc } from "../compression/blosc.ts";
import { crc32c } from "../compression/crc32c.ts";
import { unpackLz4 } from "../compression/lz4.ts";
import { gunzipBounded, inflateBounded, unzstdBounded } from "../compression/unpack-bounded.ts";
import type { ByteCodec, ZarrArray } from "./array.ts";

/** The bytes of a stored chunk made into those of its samples. Pure. */

const crcBytes = 4;

/** Of a decoded chunk. Chunks at the edges of an array are whole. */
export function chunkBytes({ chunkShape, sampleType }: Pick<ZarrArray, "chunkShape" | "sampleType">): number {
  return elementCount(chunkShape) * sampleTypes[sampleType].bytes;
}

/** How long each stored chunk is; undefined where that depends on its samples. */
export function storedBytes(array: ZarrArray): number | undefined {
  const isPacked = array.codecs.some((codec) => codec !== "crc32c");
  return isPacked ? undefined : chunkBytes(array) + crcBytes * array.codecs.length;
}

/** Undoes all codecs. Undefined where the chunk is cut or damaged. No step holds more bytes than it must give. */
export async function decodeChunk(stored: Uint8Array, array: ZarrArray): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array | undefined = stored;
  for (let at = array.codecs.length - 1; at >= 0 && bytes !== undefined; at -= 1) {
    const codec = array.codecs[at];
    // A checksum that was put on before is packed too.
    const before = array.codecs.slice(0, at).filter((one) => one === "crc32c").length;
    if (codec !== undefined) bytes = await undo(codec, bytes, chunkBytes(array) + crcBytes * before);
  }
  return bytes?.length === chunkBytes(array) ? bytes : undefined;
}

async function undo(codec: ByteCodec, input: Uint8Array, bytes: number): Promise<Uint8Array | undefined> {
  switch (codec) {
    case "blosc":
      return unpackBlosc(input, bytes);
    case "zstd":
      return unzstdBounded(input, bytes);
    case "gzip":
      return gunzipBounded(input, bytes);
    case "zlib":
      return inflateBounded(input, bytes);
    case "lz4":
      return unpackSizedLz4(input, bytes);
    case "crc32c":
      return checked(input);
  }
}

/** numcodecs puts the number of bytes before the block. */
function unpackSizedLz4(input: Uint8Array, bytes: number): Uint8Array | undefined {
  if (input.length < 4) return undefined;
  const stated = new DataView(input.buffer, input.byteOffset, 4).getUint32(0, true);
  const output = new Uint8Array(bytes);
  return stated === bytes && unpackLz4(input.subarray(4), output) ? output : undefined;
}

/** Without the checksum at the end, where it is right. */
export function checked(input: Uint8Array): Uint8Array | undefined {
  const length = input.length - crcBytes;
  if (length < 0) return undefined;
  const stated = new DataView(input.buffer, input.byteOffset + length, crcBytes).getUint32(0, true);
  const bytes = input.subarray(0, length);
  return crc32c(bytes) === stated ? bytes : undefined;
}
