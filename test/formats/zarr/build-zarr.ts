import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { Zstd } from "@hpcc-js/wasm-zstd";
import { bytesOf, type SampleType, sampleTypes } from "../../../core/acquisition.ts";

/** Writes small OME-Zarr folders for tests, as the specifications word them; nothing of the product's reader is used. */

export interface ZarrSpec {
  readonly format: 2 | 3;
  /** "tczyx", or some of them. */
  readonly axes: string;
  readonly shape: readonly number[];
  readonly chunk: readonly number[];
  /** In chunks along each axis; version 3 only. */
  readonly shard?: readonly number[];
  readonly sampleType?: SampleType;
  readonly endian?: "little" | "big";
  readonly packer?: "gzip" | "zstd";
  /** A checksum behind each chunk; version 3 only. */
  readonly crc?: boolean;
  readonly separator?: "/" | ".";
  /** Axes of the array in the order of a chunk; in version 2 either as they are or reversed. */
  readonly order?: readonly number[];
  readonly indexAt?: "start" | "end";
  readonly fill?: number;
  /** Chunks that the store leaves out. */
  readonly isAbsent?: (place: readonly number[]) => boolean;
  /** Changes what the files say. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly ome?: Readonly<Record<string, unknown>>;
}

const zstd = await Zstd.load();

/** The sample at a place; different at each within the range of a byte for all that tests need. */
export function sampleAt(place: readonly number[]): number {
  return place.reduce((sum, at, axis) => (sum * 31 + at * (axis + 7) + 3) % 251, 0);
}

/** Bit by bit, as RFC 3720 has it. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function withCrc(bytes: Uint8Array): Buffer {
  const end = Buffer.alloc(4);
  end.writeUInt32LE(crc32c(bytes));
  return Buffer.concat([bytes, end]);
}

function* placesIn(lengths: readonly number[]): Generator<number[]> {
  const count = lengths.reduce((product, length) => product * length, 1);
  for (let at = 0; at < count; at += 1) {
    let rest = at;
    const place = lengths.map(() => 0);
    for (let axis = lengths.length - 1; axis >= 0; axis -= 1) {
      place[axis] = rest % (lengths[axis] ?? 1);
      rest = Math.floor(rest / (lengths[axis] ?? 1));
    }
    yield place;
  }
}

function orderOf({ order, axes }: ZarrSpec): readonly number[] {
  return order ?? [...axes].map((_, axis) => axis);
}

function encodedChunk(spec: ZarrSpec, place: readonly number[]): Buffer {
  const { chunk, endian = "little", sampleType = "uint16", packer, crc } = spec;
  const order = orderOf(spec);
  const samples = sampleTypes[sampleType].make(chunk.reduce((product, length) => product * length, 1));
  let at = 0;
  for (const inOrder of placesIn(order.map((axis) => chunk[axis] ?? 1))) {
    const within = chunk.map((_, axis) => inOrder[order.indexOf(axis)] ?? 0);
    samples[at] = sampleAt(within.map((one, axis) => one + (place[axis] ?? 0) * (chunk[axis] ?? 1)));
    at += 1;
  }
  const bytes = Buffer.from(bytesOf(samples));
  if (endian === "big" && samples.BYTES_PER_ELEMENT === 2) bytes.swap16();
  if (endian === "big" && samples.BYTES_PER_ELEMENT === 4) bytes.swap32();
  const packed =
    packer === "gzip" ? gzipSync(bytes) : packer === "zstd" ? Buffer.from(zstd.compress(bytes)) : bytes;
  return crc ? withCrc(packed) : packed;
}

function encodedShard(
  spec: ZarrSpec,
  shard: readonly number[],
  shardPlace: readonly number[],
): Buffer | undefined {
  const { indexAt = "end", isAbsent = () => false, shape, chunk } = spec;
  const count = shard.reduce((product, length) => product * length, 1);
  const index = Buffer.alloc(16 * count, 0xff);
  const parts: Buffer[] = [];
  let offset = indexAt === "start" ? index.length + 4 : 0;
  let entry = 0;
  for (const within of placesIn(shard)) {
    const place = within.map((at, axis) => at + (shardPlace[axis] ?? 0) * (shard[axis] ?? 1));
    const isBeyond = place.some((at, axis) => at * (chunk[axis] ?? 1) >= (shape[axis] ?? 1));
    if (!isBeyond && !isAbsent(place)) {
      const bytes = encodedChunk(spec, place);
      index.writeBigUInt64LE(BigInt(offset), 16 * entry);
      index.writeBigUInt64LE(BigInt(bytes.length), 16 * entry + 8);
      offset += bytes.length;
      parts.push(bytes);
    }
    entry += 1;
  }
  if (parts.length === 0) return undefined;
  return Buffer.concat(indexAt === "start" ? [withCrc(index), ...parts] : [...parts, withCrc(index)]);
}

const dtypes: Readonly<Record<SampleType, string>> = {
  uint8: "u1",
  int8: "i1",
  uint16: "u2",
  int16: "i2",
  uint32: "u4",
  int32: "i4",
  float32: "f4",
  float64: "f8",
};

/** What the array's own metadata say. */
function arrayMetadata(spec: ZarrSpec): object {
  const { format, shape, chunk, shard, sampleType = "uint16", endian = "little", packer, crc } = spec;
  const { separator = "/", fill = 0, indexAt = "end", metadata = {} } = spec;
  const isReversed = orderOf(spec)[0] !== 0;
  if (format === 2) {
    return {
      zarr_format: 2,
      shape,
      chunks: chunk,
      dtype: `${sampleType.endsWith("8") ? "|" : endian === "big" ? ">" : "<"}${dtypes[sampleType]}`,
      compressor: packer === undefined ? null : { id: packer, level: 1 },
      fill_value: fill,
      order: isReversed ? "F" : "C",
      filters: null,
      dimension_separator: separator,
      ...metadata,
    };
  }
  const inner = [
    ...(spec.order === undefined ? [] : [{ name: "transpose", configuration: { order: spec.order } }]),
    { name: "bytes", configuration: { endian } },
    ...(packer === undefined ? [] : [{ name: packer, configuration: { level: 1 } }]),
    ...(crc ? [{ name: "crc32c" }] : []),
  ];
  const sharding = {
    chunk_shape: chunk,
    codecs: inner,
    index_codecs: [{ name: "bytes", configuration: { endian: "little" } }, { name: "crc32c" }],
    index_location: indexAt,
  };
  return {
    zarr_format: 3,
    node_type: "array",
    shape,
    data_type: sampleType,
    chunk_grid: {
      name: "regular",
      configuration: { chunk_shape: chunk.map((length, axis) => length * (shard?.[axis] ?? 1)) },
    },
    chunk_key_encoding: { name: "default", configuration: { separator } },
    fill_value: fill,
    codecs: shard === undefined ? inner : [{ name: "sharding_indexed", configuration: sharding }],
    attributes: {},
    ...metadata,
  };
}

function groupMetadata({ format, axes, ome = {} }: ZarrSpec): object {
  const units: Readonly<Record<string, object>> = {
    t: { type: "time", unit: "second" },
    c: { type: "channel" },
  };
  const multiscale = {
    version: format === 2 ? "0.4" : undefined,
    axes: [...axes].map((name) => ({ name, ...(units[name] ?? { type: "space", unit: "micrometer" }) })),
    datasets: [
      { path: "0", coordinateTransformations: [{ type: "scale", scale: [...axes].map(() => 0.5) }] },
    ],
  };
  if (format === 2) return { multiscales: [multiscale], ...ome };
  const attributes = { ome: { version: "0.5", multiscales: [multiscale], ...ome } };
  return { zarr_format: 3, node_type: "group", attributes };
}

export function put(file: string, content: string | Uint8Array | object): void {
  mkdirSync(dirname(file), { recursive: true });
  const isBytes = typeof content === "string" || content instanceof Uint8Array;
  writeFileSync(file, isBytes ? content : JSON.stringify(content));
}

/** Writes the group and its one array, "0". */
export function buildZarr(folder: string, spec: ZarrSpec): void {
  const { format, shape, chunk, shard, separator = "/", isAbsent = () => false } = spec;
  put(join(folder, format === 2 ? ".zattrs" : "zarr.json"), groupMetadata(spec));
  if (format === 2) put(join(folder, ".zgroup"), { zarr_format: 2 });
  put(join(folder, "0", format === 2 ? ".zarray" : "zarr.json"), arrayMetadata(spec));
  const grid = shape.map((length, axis) => Math.ceil(length / ((chunk[axis] ?? 1) * (shard?.[axis] ?? 1))));
  for (const place of placesIn(grid)) {
    const bytes =
      shard === undefined
        ? isAbsent(place)
          ? undefined
          : encodedChunk(spec, place)
        : encodedShard(spec, shard, place);
    const key = [...(format === 2 ? [] : ["c"]), ...place].join(separator);
    if (bytes !== undefined) put(join(folder, "0", key), bytes);
  }
}
