import { unpackBloscLz } from "./blosclz.ts";
import { unpackLz4 } from "./lz4.ts";
import { bitUnshuffle, unshuffle } from "./shuffle.ts";
import { inflateBounded, unzstdBounded } from "./unpack-bounded.ts";

/**
 * Blosc 1 (c-blosc 1.21, `README_CHUNK_FORMAT.rst`): a header, where each block starts, and the blocks, each packed in one
 * piece or in one for each byte of a value. Every length is checked before it is used: c-blosc takes a cut chunk for a whole one.
 */

export const bloscHeaderBytes = 16;
/** Of version 2 of the format, which all of c-blosc 1 writes. c-blosc 2 has others. */
const knownVersions: readonly number[] = [1, 2];

const flag = { shuffle: 0x01, stored: 0x02, bitShuffle: 0x04, unsplit: 0x10 } as const;
const packers = ["blosclz", "lz4", "snappy", "zlib", "zstd"] as const;
/** Blocks of wider values, or of fewer values than this, are not split. */
const mostSplits = 16;
const fewestSplitValues = 128;

export interface BloscHeader {
  readonly flags: number;
  /** undefined where this version of the format does not say, or we do not read it. */
  readonly packer: (typeof packers)[number] | undefined;
  readonly valueBytes: number;
  /** Unpacked. */
  readonly bytes: number;
  readonly blockBytes: number;
  /** Packed, with the header. */
  readonly packedBytes: number;
}

/** undefined where `head` is no header of Blosc 1. */
export function readBloscHeader(head: Uint8Array): BloscHeader | undefined {
  if (head.length < bloscHeaderBytes || !knownVersions.includes(head[0] ?? 0)) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, bloscHeaderBytes);
  const flags = view.getUint8(2);
  return {
    flags,
    packer: packers[flags >> 5],
    valueBytes: Math.max(1, view.getUint8(3)),
    bytes: view.getUint32(4, true),
    blockBytes: view.getUint32(8, true),
    packedBytes: view.getUint32(12, true),
  };
}

/** Unpacks a chunk that holds exactly `bytes`. Undefined where it is cut, damaged, or holds another number. */
export async function unpackBlosc(input: Uint8Array, bytes: number): Promise<Uint8Array | undefined> {
  const header = readBloscHeader(input);
  if (header === undefined || header.bytes !== bytes || header.packedBytes !== input.length) return undefined;
  const { flags, blockBytes } = header;
  if ((flags & flag.stored) !== 0) {
    return input.length === bloscHeaderBytes + bytes ? input.slice(bloscHeaderBytes) : undefined;
  }
  const output = new Uint8Array(bytes);
  if (bytes === 0) return output;
  if (blockBytes === 0 || blockBytes > bytes) return undefined;
  const blocks = Math.ceil(bytes / blockBytes);
  if (bloscHeaderBytes + 4 * blocks > input.length) return undefined;
  const starts = new DataView(input.buffer, input.byteOffset + bloscHeaderBytes, 4 * blocks);
  for (let block = 0; block < blocks; block += 1) {
    const target = output.subarray(block * blockBytes, (block + 1) * blockBytes);
    const packed = input.subarray(starts.getUint32(4 * block, true));
    if (!(await unpackBlock(packed, target, header))) return undefined;
  }
  return output;
}

/** `packed` goes on behind the block, to the end of the chunk. */
async function unpackBlock(packed: Uint8Array, target: Uint8Array, header: BloscHeader): Promise<boolean> {
  const { flags, valueBytes, blockBytes } = header;
  const isSplit =
    (flags & flag.unsplit) === 0 &&
    valueBytes <= mostSplits &&
    Math.floor(blockBytes / valueBytes) >= fewestSplitValues &&
    target.length === blockBytes;
  const pieces = isSplit ? valueBytes : 1;
  const pieceBytes = target.length / pieces;
  if (!Number.isInteger(pieceBytes)) return false;
  const isByteShuffled = (flags & flag.shuffle) !== 0 && valueBytes > 1;
  const isBitShuffled = !isByteShuffled && (flags & flag.bitShuffle) !== 0;
  const unpacked = isByteShuffled || isBitShuffled ? new Uint8Array(target.length) : target;
  let at = 0;
  for (let piece = 0; piece < pieces; piece += 1) {
    if (at + 4 > packed.length) return false;
    const length = new DataView(packed.buffer, packed.byteOffset + at, 4).getUint32(0, true);
    at += 4;
    if (at + length > packed.length) return false;
    const source = packed.subarray(at, at + length);
    const into = unpacked.subarray(piece * pieceBytes, (piece + 1) * pieceBytes);
    if (!(await unpackPiece(source, into, header))) return false;
    at += length;
  }
  if (isByteShuffled) unshuffle(unpacked, target, valueBytes);
  else if (isBitShuffled) bitUnshuffle(unpacked, target, valueBytes);
  return true;
}

async function unpackPiece(source: Uint8Array, into: Uint8Array, { packer }: BloscHeader): Promise<boolean> {
  // What did not become shorter is stored.
  if (source.length === into.length) {
    into.set(source);
    return true;
  }
  switch (packer) {
    case "blosclz":
      return unpackBloscLz(source, into);
    case "lz4":
      return unpackLz4(source, into);
    case "zlib":
      return takeWhole(await inflateBounded(source, into.length), into);
    case "zstd":
      return takeWhole(unzstdBounded(source, into.length), into);
    default:
      return false;
  }
}

function takeWhole(made: Uint8Array | undefined, into: Uint8Array): boolean {
  if (made?.length !== into.length) return false;
  into.set(made);
  return true;
}
