import { type EdgeError, formatError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import { bloscHeaderBytes, readBloscHeader } from "../compression/blosc.ts";
import type { ByteSource } from "../file/byte-source.ts";
import { fileKey, gridOf, type ZarrArray } from "./array.ts";
import { checked, storedBytes } from "./decode-chunk.ts";
import type { ZarrStore } from "./store.ts";

/** Where a stored chunk lies in its file. */
export interface StoredChunk {
  readonly start: number;
  readonly bytes: number;
}

/** An open file of an array: one chunk, or a shard whose index was found sound. Whoever opens it closes it. */
export interface ChunkFile {
  readonly source: ByteSource;
  /** The chunk at a place in the grid of chunks; undefined where the shard leaves it out. */
  chunkAt(place: readonly number[]): StoredChunk | undefined;
}

/**
 * Opens the file at a place in the grid of files. Nothing is taken on trust: a chunk that is being written, or was when its
 * writer died, is refused as torn (`zarr-chunk-torn`, retryable), because a decoder would make samples of it. undefined where there is no file.
 */
export async function openChunkFile(
  store: ZarrStore,
  array: ZarrArray,
  filePlace: readonly number[],
): Promise<ChunkFile | undefined> {
  const key = fileKey(array.keys, filePlace);
  const source = await store.open(array.key === "" ? key : `${array.key}/${key}`);
  if (source === undefined) return undefined;
  try {
    if (array.shard !== undefined) return await openShard(source, array, array.shard);
    const whole = { start: 0, bytes: source.size };
    return { source, chunkAt: () => whole };
  } catch (error) {
    await source.close();
    throw error;
  }
}

const entryBytes = 16;
const crcBytes = 4;
/** Stands for a chunk that the shard does not hold. */
const leftOut = 2n ** 64n - 1n;

/** https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/ */
async function openShard(
  source: ByteSource,
  { chunkShape, fileShape }: ZarrArray,
  { at, hasCrc }: NonNullable<ZarrArray["shard"]>,
): Promise<ChunkFile> {
  const counts = gridOf(fileShape, chunkShape);
  const indexBytes = elementCount(counts) * entryBytes + (hasCrc ? crcBytes : 0);
  if (source.size < indexBytes) {
    throw torn(source, `a shard of ${source.size} bytes`, `at least the ${indexBytes} of its index`);
  }
  const stored = Buffer.alloc(indexBytes);
  const indexStart = at === "start" ? 0 : source.size - indexBytes;
  await source.readInto(stored, indexStart);
  const index = hasCrc ? checked(stored) : stored;
  if (index === undefined) {
    throw torn(
      source,
      "a checksum (crc32c) that is not that of the shard's index",
      "the index of a whole shard",
    );
  }
  const view = new DataView(index.buffer, index.byteOffset, index.byteLength);
  const [first, end] = at === "start" ? [indexBytes, source.size] : [0, indexStart];
  for (let entry = 0; entry < index.length; entry += entryBytes) {
    const [start, bytes] = [view.getBigUint64(entry, true), view.getBigUint64(entry + 8, true)];
    const isOut = start === leftOut && bytes === leftOut;
    if (!isOut && (start < BigInt(first) || start + bytes > BigInt(end))) {
      throw torn(
        source,
        `a chunk of ${bytes} bytes at byte ${start}, by the shard's index`,
        `chunks in bytes ${first} to ${end}`,
      );
    }
  }
  return {
    source,
    chunkAt(place) {
      let entry = 0;
      for (const [axis, count] of counts.entries()) entry = entry * count + ((place[axis] ?? 0) % count);
      const start = view.getBigUint64(entry * entryBytes, true);
      if (start === leftOut) return undefined;
      return { start: Number(start), bytes: Number(view.getBigUint64(entry * entryBytes + 8, true)) };
    },
  };
}

/**
 * Throws where a chunk's length shows that it is torn: against what an unpacked chunk must have, or what the header of a packed one
 * states. Of chunks that zstd, gzip or LZ4 packed only decoding shows it.
 */
export async function refuseTorn(
  { source }: ChunkFile,
  { start, bytes }: StoredChunk,
  array: ZarrArray,
): Promise<void> {
  const due = storedBytes(array);
  if (due !== undefined && bytes !== due) throw torn(source, `a chunk of ${bytes} bytes`, `${due} bytes`);
  if (bytes === 0) throw torn(source, "a chunk of 0 bytes", "a packed chunk");
  if (array.codecs[0] !== "blosc") return;
  const head = new Uint8Array(Math.min(bloscHeaderBytes, bytes));
  await source.readInto(head, start);
  const stated = readBloscHeader(head)?.packedBytes;
  const found = bytes - crcBytes * (array.codecs.length - 1);
  if (stated === undefined)
    throw torn(source, "a chunk that does not begin as Blosc does", "a header of Blosc 1");
  if (stated !== found) throw torn(source, `a chunk of ${found} bytes`, `${stated} bytes, by its own header`);
}

/** A chunk that is not whole, or not yet. */
export function torn({ file }: Pick<ByteSource, "file">, found: string, allowed: string): EdgeError {
  return formatError("a chunk of the image is cut or damaged", {
    code: "zarr-chunk-torn",
    file,
    found,
    allowed,
    remedy: "Wait until the image is written completely, or copy it again",
    retryable: true,
  });
}
