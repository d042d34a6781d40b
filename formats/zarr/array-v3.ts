import { type SampleType, sampleTypes } from "../../core/acquisition.ts";
import { isRecord } from "../../core/record.ts";
import { elementCount } from "../../core/tensor.ts";
import type { ByteCodec, ChunkKeys, ShardIndexPlace, ZarrArray } from "./array.ts";
import { damaged, fillOf, refuseLargeChunk, shapeOf, stepsOf, unread } from "./array-parts.ts";
import type { ZarrNode } from "./node.ts";

/** https://zarr-specs.readthedocs.io/en/latest/v3/core/, and its codecs. */

/** Of a shard. The index of more takes 16 MiB and more. */
const mostChunksInShard = 2 ** 20;

const knownFields: ReadonlySet<string> = new Set([
  "zarr_format",
  "node_type",
  "shape",
  "data_type",
  "chunk_grid",
  "chunk_key_encoding",
  "fill_value",
  "codecs",
  "attributes",
  "storage_transformers",
  "dimension_names",
  "consolidated_metadata",
]);

/** A field as all extensions of version 3 are written. */
interface Named {
  readonly name: string;
  readonly configuration: Readonly<Record<string, unknown>>;
}

/** How the samples of a chunk became the bytes of a file. */
interface Encoding {
  readonly chunkShape: readonly number[];
  readonly order: readonly number[];
  readonly byteOrder: "little" | "big";
  readonly codecs: readonly ByteCodec[];
  readonly shard?: ShardIndexPlace;
}

/** Reads the `zarr.json` of an array. Throws `EdgeError` where it is damaged, or where we do not read such an array. */
export function arrayOfV3({ key, file, metadata }: ZarrNode): ZarrArray {
  const { zarr_format, data_type, storage_transformers = [] } = metadata;
  if (zarr_format !== 3) throw damaged(file, "zarr_format", zarr_format, "3");
  refuseUnknownFields(metadata, file);
  const shape = shapeOf(metadata["shape"], file);
  const known = Object.keys(sampleTypes) as SampleType[];
  const sampleType = known.find((name) => name === data_type);
  if (sampleType === undefined) throw unread(file, "data_type", data_type, known.join(", "));
  if (!Array.isArray(storage_transformers) || storage_transformers.length > 0) {
    throw unread(file, "storage_transformers", storage_transformers, "none");
  }
  const grid = namedOf(metadata["chunk_grid"], file, "chunk_grid");
  if (grid.name !== "regular") throw unread(file, "chunk_grid", grid.name, "regular");
  const fileShape = stepsOf(grid.configuration["chunk_shape"], shape.length, file, "chunk_shape");
  const encoding = encodingOf(metadata["codecs"], fileShape, sampleType, file);
  refuseLargeChunk(encoding.chunkShape, sampleType, file);
  return {
    file,
    key,
    shape,
    fileShape,
    ...encoding,
    sampleType,
    fill: fillOf(metadata["fill_value"], sampleType, file),
    keys: keysOf(metadata["chunk_key_encoding"], file),
  };
}

/** An extension that does not say that it may be passed over changes what the samples are. */
function refuseUnknownFields(metadata: Readonly<Record<string, unknown>>, file: string): void {
  for (const [name, value] of Object.entries(metadata)) {
    const mayPass = knownFields.has(name) || (isRecord(value) && value["must_understand"] === false);
    if (!mayPass) throw unread(file, name, value, "no such field");
  }
}

function namedOf(stated: unknown, file: string, at: string): Named {
  // Without a configuration the name may stand alone.
  if (typeof stated === "string") return { name: stated, configuration: {} };
  const { name, configuration = {} } = isRecord(stated) ? stated : {};
  if (typeof name === "string" && isRecord(configuration)) return { name, configuration };
  throw damaged(file, at, stated, "an object with a name");
}

function keysOf(stated: unknown, file: string): ChunkKeys {
  const { name, configuration } = namedOf(stated, file, "chunk_key_encoding");
  if (name !== "default" && name !== "v2") throw unread(file, "chunk_key_encoding", name, "default or v2");
  const isDefault = name === "default";
  const { separator = isDefault ? "/" : "." } = configuration;
  if (separator !== "/" && separator !== ".") throw damaged(file, "separator", separator, '"." or "/"');
  return { prefix: isDefault ? "c" : "", separator };
}

function encodingOf(stated: unknown, fileShape: number[], sampleType: SampleType, file: string): Encoding {
  const all = codecList(stated, file, "codecs");
  const [only] = all;
  if (only?.name !== "sharding_indexed") {
    return { chunkShape: fileShape, ...chunkEncoding(all, fileShape.length, sampleType, file) };
  }
  if (all.length > 1)
    throw unread(
      file,
      "codecs",
      all.map(({ name }) => name),
      "sharding_indexed alone",
    );
  const { chunk_shape, codecs, index_codecs, index_location = "end" } = only.configuration;
  const chunkShape = stepsOf(chunk_shape, fileShape.length, file, "chunk_shape of the shards");
  const counts = fileShape.map((length, axis) => length / (chunkShape[axis] ?? 1));
  if (!counts.every(Number.isInteger)) {
    throw damaged(file, "chunk_shape of the shards", chunkShape, `parts of ${fileShape.join(" x ")}`);
  }
  const chunks = elementCount(counts);
  if (chunks > mostChunksInShard) {
    throw unread(file, "chunks in a shard", chunks, `${mostChunksInShard} at most`);
  }
  if (index_location !== "start" && index_location !== "end") {
    throw damaged(file, "index_location", index_location, "start or end");
  }
  const inner = codecList(codecs, file, "codecs of the shards");
  return {
    chunkShape,
    ...chunkEncoding(inner, chunkShape.length, sampleType, file),
    shard: { at: index_location, hasCrc: indexHasCrc(codecList(index_codecs, file, "index_codecs"), file) },
  };
}

function codecList(stated: unknown, file: string, at: string): Named[] {
  if (!Array.isArray(stated)) throw damaged(file, at, stated, "a list of codecs");
  return stated.map((one) => namedOf(one, file, at));
}

function indexHasCrc(codecs: readonly Named[], file: string): boolean {
  const [bytes, ...others] = codecs;
  const names = codecs.map(({ name }) => name);
  const isLittle = bytes?.name === "bytes" && bytes.configuration["endian"] === "little";
  const isKnown = others.length === 0 || (others.length === 1 && others[0]?.name === "crc32c");
  if (!isLittle || !isKnown) throw unread(file, "index_codecs", names, "little-endian bytes, crc32c");
  return others.length === 1;
}

const packers: readonly ByteCodec[] = ["blosc", "zstd", "gzip"];

function chunkEncoding(
  codecs: readonly Named[],
  axes: number,
  sampleType: SampleType,
  file: string,
): Pick<Encoding, "order" | "byteOrder" | "codecs"> {
  const rest = [...codecs];
  const [first] = rest;
  const order = Array.from({ length: axes }, (_, axis) => axis);
  if (first?.name === "transpose") {
    rest.shift();
    const { order: stated } = first.configuration;
    const isOrder =
      Array.isArray(stated) && stated.length === axes && order.every((axis) => stated.includes(axis));
    if (!isOrder) throw damaged(file, "order of transpose", stated, `each of 0 to ${axes - 1} once`);
    order.splice(0, axes, ...(stated as number[]));
  }
  const bytes = rest.shift();
  const names = codecs.map(({ name }) => name);
  const allowed = "transpose, bytes, then one of blosc, zstd and gzip, and crc32c";
  if (bytes?.name !== "bytes") throw unread(file, "codecs", names, allowed);
  const { endian } = bytes.configuration;
  const byteOrder = endian === "little" || endian === "big" ? endian : undefined;
  if (byteOrder === undefined && sampleTypes[sampleType].bytes > 1) {
    throw damaged(file, "endian", endian, "little or big");
  }
  const known: readonly ByteCodec[] = [...packers, "crc32c"];
  const found = rest.map(({ name }) => known.find((one) => one === name));
  const isRead = found.every((one) => one !== undefined);
  // With one packer alone it is known how many bytes each step must give.
  if (!isRead || found.filter((one) => packers.includes(one)).length > 1) {
    throw unread(file, "codecs", names, allowed);
  }
  return { order, byteOrder: byteOrder ?? "little", codecs: found };
}
