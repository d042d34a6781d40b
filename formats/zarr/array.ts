import type { SampleType } from "../../core/acquisition.ts";

/** A Zarr array as its metadata describe it, in one form for versions 2 and 3. Lengths are in the order of its axes. */
export interface ZarrArray {
  /** The file with its metadata, for messages. */
  readonly file: string;
  /** Of the store. */
  readonly key: string;
  readonly shape: readonly number[];
  /** What one file of the store holds: a chunk, or a shard of several. Not cut at the edges of the array. */
  readonly fileShape: readonly number[];
  /** What is decoded in one piece. */
  readonly chunkShape: readonly number[];
  /** How chunks lie in a shard; absent where each has a file of its own. */
  readonly shard?: ShardIndexPlace;
  readonly sampleType: SampleType;
  readonly byteOrder: "little" | "big";
  /** For samples of chunks that the store leaves out. */
  readonly fill: number;
  /** The axes of the array in the order in which a chunk has them, slowest first. */
  readonly order: readonly number[];
  /** What packed the bytes of a chunk, in the order in which it was done. */
  readonly codecs: readonly ByteCodec[];
  readonly keys: ChunkKeys;
}

export type ByteCodec = "blosc" | "zstd" | "gzip" | "zlib" | "lz4" | "crc32c";

export interface ShardIndexPlace {
  readonly at: "start" | "end";
  readonly hasCrc: boolean;
}

/** How the file of a chunk is named below the array: `c/0/1` (version 3), `0/1` or `0.1`. */
export interface ChunkKeys {
  readonly prefix: "" | "c";
  readonly separator: "/" | ".";
}

/** The key of a file below the array, by its place in the grid. */
export function fileKey({ prefix, separator }: ChunkKeys, place: readonly number[]): string {
  return [...(prefix === "" ? [] : [prefix]), ...place].join(separator);
}

/** Number of places along each axis. */
export function gridOf(lengths: readonly number[], steps: readonly number[]): number[] {
  return lengths.map((length, axis) => Math.ceil(length / (steps[axis] ?? 1)));
}
