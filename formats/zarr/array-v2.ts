import type { SampleType } from "../../core/acquisition.ts";
import { isRecord } from "../../core/record.ts";
import type { ByteCodec, ZarrArray } from "./array.ts";
import { damaged, fillOf, refuseLargeChunk, shapeOf, stepsOf, unread } from "./array-parts.ts";
import type { ZarrNode } from "./node.ts";

/** https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html */

const typeOf: Readonly<Record<string, SampleType>> = {
  u1: "uint8",
  i1: "int8",
  u2: "uint16",
  i2: "int16",
  u4: "uint32",
  i4: "int32",
  f4: "float32",
  f8: "float64",
};

const compressors: readonly ByteCodec[] = ["blosc", "zstd", "gzip", "zlib", "lz4"];

/** Reads `.zarray`. Throws `EdgeError` where it is damaged, or where we do not read such an array. */
export function arrayOfV2({ key, file, metadata }: ZarrNode): ZarrArray {
  const { zarr_format, dtype, order = "C", filters, compressor, dimension_separator = "." } = metadata;
  if (zarr_format !== 2) throw damaged(file, "zarr_format", zarr_format, "2");
  const shape = shapeOf(metadata["shape"], file);
  const chunkShape = stepsOf(metadata["chunks"], shape.length, file, "chunks");
  const [, byteOrder, code] = (typeof dtype === "string" && /^([<>|])([a-z][0-9]+)$/.exec(dtype)) || [];
  const sampleType = typeOf[code ?? ""];
  if (sampleType === undefined) throw unread(file, "dtype", dtype, Object.values(typeOf).join(", "));
  if (order !== "C" && order !== "F") throw damaged(file, "order", order, "C or F");
  if (dimension_separator !== "." && dimension_separator !== "/") {
    throw damaged(file, "dimension_separator", dimension_separator, '"." or "/"');
  }
  const hasFilters =
    filters !== undefined && filters !== null && !(Array.isArray(filters) && filters.length === 0);
  if (hasFilters) throw unread(file, "filters", filters, "none");
  refuseLargeChunk(chunkShape, sampleType, file);
  const axes = Array.from(shape.keys());
  return {
    file,
    key,
    shape,
    fileShape: chunkShape,
    chunkShape,
    sampleType,
    byteOrder: byteOrder === ">" ? "big" : "little",
    fill: fillOf(metadata["fill_value"], sampleType, file),
    order: order === "C" ? axes : axes.reverse(),
    codecs: codecsOf(compressor, file),
    keys: { prefix: "", separator: dimension_separator },
  };
}

function codecsOf(compressor: unknown, file: string): ByteCodec[] {
  if (compressor === undefined || compressor === null) return [];
  const id = isRecord(compressor) ? compressor["id"] : undefined;
  const known = compressors.find((name) => name === id);
  if (known === undefined)
    throw unread(file, "compressor", id ?? compressor, `${compressors.join(", ")} or none`);
  return [known];
}
