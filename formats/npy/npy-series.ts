import { type Acquisition, plainAcquisition, sampleTypes } from "../../core/acquisition.ts";
import { unsupportedError, usageError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import { type ByteSource, openByteSource } from "../file/byte-source.ts";
import type { ReadLimits } from "../file/limits.ts";
import { readContiguous } from "../plane/contiguous-samples.ts";
import type { PlaneReader } from "../plane/plane-source.ts";
import type { FormatReader, OpenedFile } from "../plane/series-found.ts";
import { depthSizes, storedIndex } from "../plane/stored-axes.ts";
import { type NpyHeader, readNpyHeader } from "./npy.ts";

/** Reads a NumPy array `[Y, X]` or `[..., Y, X]`: its leading axes have no names and are taken as depth. */
export const npyReader: FormatReader = {
  recognises: (head) => Buffer.from(head.subarray(0, 6)).toString("latin1") === "\u0093NUMPY",
  async find(source, limits) {
    const header = await readNpyHeader(source);
    return openedArray(describe(source.file, header, limits), header);
  },
};

function describe(file: string, header: NpyHeader, limits: ReadLimits): Acquisition {
  const [y, x] = header.shape.slice(-2);
  const lengths = header.shape.slice(0, -2);
  const planes = elementCount(lengths);
  const bytes = (y ?? 0) * (x ?? 0) * sampleTypes[header.sampleType].bytes;
  const fits = bytes > 0 && bytes <= limits.maxPlaneBytes && planes >= 1 && planes <= limits.maxPlanes;
  if (x === undefined || y === undefined || !fits) {
    throw unsupportedError("this array is not an image or a stack of images", {
      code: "npy-shape",
      file,
      found: `shape (${header.shape.join(", ")})`,
      allowed: "(Y, X) or (Z, Y, X)",
      remedy: "Save each stack as a separate array.",
    });
  }
  const kept = lengths.filter((length) => length > 1);
  const letters = "Q".repeat(kept.length);
  const note = "axes have no names: they are read as depth (Z), but may be times or channels";
  const sizes = { ...depthSizes({ letters, lengths: kept }), y, x };
  return {
    ...plainAcquisition({ file, make: "NumPy", sizes, sampleType: header.sampleType }),
    members: [file],
    axes: `${letters}YX`,
    shape: [...kept, y, x],
    byteOrder: header.byteOrder,
    notes: kept.length === 0 ? [] : [note],
  };
}

function openedArray(acquisition: Acquisition, header: NpyHeader): OpenedFile {
  const { file, sizes, axes, shape, sampleType } = acquisition;
  const stored = { letters: axes.slice(0, -2), lengths: shape.slice(0, -2) };
  const facts = sampleTypes[sampleType];
  let source: Promise<ByteSource> | undefined;
  const series: PlaneReader = {
    acquisition,
    async readPlane(index, options) {
      options?.signal?.throwIfAborted();
      if (index.t !== 0 || index.c !== 0 || !(index.z >= 0 && index.z < sizes.z)) {
        throw usageError("the array has no such plane", {
          code: "plane-index",
          file,
          found: `T ${index.t}, C ${index.c}, Z ${index.z}`,
          allowed: `Z below ${sizes.z}`,
        });
      }
      const length = sizes.y * sizes.x;
      const into = options?.into ?? facts.make(length);
      const start = header.dataOffset + storedIndex(stored, index) * length * facts.bytes;
      source ??= openByteSource(file);
      await readContiguous(await source, header.byteOrder, start, into);
      return into;
    },
  };
  return {
    series: [series],
    files: [file],
    async close() {
      const opened = source;
      source = undefined;
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}
