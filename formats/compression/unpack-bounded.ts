import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { Decompress } from "fzstd";

/** Decompression that never holds a byte more than its caller allows. */

const inflateAsync = promisify(inflate);
const gunzipAsync = promisify(gunzip);

/**
 * Inflates a zlib stream of at most `maxBytes`. Undefined where the stream is damaged, cut, or unpacks to more:
 * not a byte more than allowed is ever held.
 */
export async function inflateBounded(input: Uint8Array, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    return await inflateAsync(input, { maxOutputLength: maxBytes });
  } catch {
    return undefined;
  }
}

/** As `inflateBounded`, for a gzip stream; its own CRC-32 is checked. */
export async function gunzipBounded(input: Uint8Array, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    return await gunzipAsync(input, { maxOutputLength: maxBytes });
  } catch {
    return undefined;
  }
}

/** Windows beyond this are refused: the decoder allocates them before it has seen a byte of data. */
const maxWindowBytes = 1 << 27;

/**
 * Unpacks a zstd stream (RFC 8878) of at most `maxBytes`. Undefined where the stream is damaged, cut, unpacks to
 * more, or wants a window above 128 MiB. Not with the zstd of Node 22 and later: it takes a cut stream for a whole one.
 */
export function unzstdBounded(input: Uint8Array, maxBytes: number): Uint8Array | undefined {
  const window = windowBytes(input);
  if (window === undefined || window > maxWindowBytes) return undefined;
  const output = new Uint8Array(maxBytes);
  let length = 0;
  try {
    const stream = new Decompress((chunk) => {
      // Throws a RangeError where the stream holds more than it may.
      output.set(chunk, length);
      length += chunk.length;
    });
    stream.push(input, true);
  } catch {
    return undefined;
  }
  return output.subarray(0, length);
}

/** The window that the first frame asks for, in bytes: RFC 8878 section 3.1.1.1. Undefined where it is no frame. */
function windowBytes(input: Uint8Array): number | undefined {
  if (input.length < 6) return undefined;
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (view.getUint32(0, true) !== 0xfd2fb528) return undefined;
  const descriptor = view.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  if (!singleSegment) {
    const exponent = view.getUint8(5) >> 3;
    const mantissa = view.getUint8(5) & 7;
    return 2 ** (10 + exponent) * (1 + mantissa / 8);
  }
  // The window is the content, whose size follows the dictionary id.
  const sizeAt = 5 + [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = [1, 2, 4, 8][descriptor >> 6]!;
  if (input.length < sizeAt + sizeBytes) return undefined;
  if (sizeBytes === 1) return view.getUint8(sizeAt);
  if (sizeBytes === 2) return view.getUint16(sizeAt, true) + 256;
  return sizeBytes === 4 ? view.getUint32(sizeAt, true) : Number(view.getBigUint64(sizeAt, true));
}
