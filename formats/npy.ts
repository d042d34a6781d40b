import {
  type Acquisition,
  asFloats,
  bytesOf,
  plainAcquisition,
  type SampleType,
  sampleTypes,
} from "../core/acquisition.ts";
import { formatError, unsupportedError } from "../core/errors.ts";
import { elementCount, type Tensor, type Tensor64 } from "../core/tensor.ts";
import { type ByteSource, openByteSource, reopenedSource } from "./file/byte-source.ts";
import type { ReadLimits } from "./file/reading.ts";
import { readContiguous } from "./plane/contiguous-samples.ts";
import { type FormatReader, type OpenedFile, type PlaneReader, refuseOutside } from "./plane/plane-source.ts";
import { depthSizes, storedIndex } from "./plane/stored-axes.ts";

/** Reads a NumPy array `[Y, X]` or `[..., Y, X]`: its leading axes have no names and are taken as depth. */
export const npyReader: FormatReader = {
  recognises: (head) => magic.equals(head.subarray(0, magic.length)),
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
  const { get, close } = reopenedSource(file);
  const series: PlaneReader = {
    acquisition,
    async readPlane(index, options) {
      options?.signal?.throwIfAborted();
      refuseOutside(index, acquisition);
      const length = sizes.y * sizes.x;
      const into = options?.into ?? facts.make(length);
      const start = header.dataOffset + storedIndex(stored, index) * length * facts.bytes;
      await readContiguous(await get(), header.byteOrder, start, into);
      return into;
    },
  };
  return {
    series: [series],
    files: [file],
    close,
  };
}

/** NumPy's `.npy` files, C order. Source: numpy.lib.format, versions 1.0 to 3.0. */

const magic = Buffer.from("\u0093NUMPY", "latin1");
const maxHeaderBytes = 1 << 16;
/** Of a test tensor: it is held several times over, in double precision. */
const maxTensorElements = 2 ** 24;

const typeCodes: Readonly<Record<string, SampleType>> = {
  u1: "uint8",
  i1: "int8",
  u2: "uint16",
  i2: "int16",
  u4: "uint32",
  i4: "int32",
  f4: "float32",
  f8: "float64",
};

interface NpyHeader {
  readonly sampleType: SampleType;
  readonly byteOrder: "little" | "big";
  readonly shape: readonly number[];
  /** Offset of the first element. */
  readonly dataOffset: number;
}

/** Reads and checks the header against the file's size. Throws `EdgeError` (`format`, `unsupported`, `machine`). */
export async function readNpyHeader(source: ByteSource): Promise<NpyHeader> {
  const { file, size } = source;
  const head = Buffer.alloc(12);
  if (size >= head.length) await source.readInto(head, 0);
  if (!magic.equals(head.subarray(0, magic.length))) throw damaged(file, "no NumPy mark at its start");
  const long = (head[6] ?? 0) >= 2;
  const headerBytes = long ? head.readUInt32LE(8) : head.readUInt16LE(8);
  const headerOffset = long ? 12 : 10;
  if (headerBytes > maxHeaderBytes) throw damaged(file, `a header of ${headerBytes} bytes`);
  if (headerOffset + headerBytes > size) throw damaged(file, "a header that is cut");
  const header = Buffer.alloc(headerBytes);
  await source.readInto(header, headerOffset);
  const parsed = parseHeader(header.toString("latin1"), file);
  const dataOffset = headerOffset + headerBytes;
  const wanted = dataOffset + elementCount(parsed.shape) * sampleTypes[parsed.sampleType].bytes;
  if (!Number.isSafeInteger(wanted) || size < wanted) {
    throw formatError("the file is cut", {
      code: "npy-cut",
      file,
      found: `${size} bytes`,
      allowed: `${wanted} bytes for shape (${parsed.shape.join(", ")})`,
      remedy: "Copy the file again",
    });
  }
  return { ...parsed, dataOffset };
}

function parseHeader(text: string, file: string): Omit<NpyHeader, "dataOffset"> {
  const descr = /'descr'\s*:\s*'([<>|=])([a-z]\d+)'/.exec(text);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (descr === null || order === undefined || shape === undefined)
    throw damaged(file, "a header that is not a NumPy header");
  const sampleType = typeCodes[descr[2] ?? ""];
  if (sampleType === undefined || order === "True") {
    throw unsupportedError("this kind of NumPy array is not read", {
      code: "npy-kind",
      file,
      found: order === "True" ? "Fortran order" : `type ${descr[1]}${descr[2]}`,
      allowed: `C order; ${Object.values(typeCodes).join(", ")}`,
      remedy: "Save it with numpy.save(path, numpy.ascontiguousarray(array.astype('float32')))",
    });
  }
  return {
    sampleType,
    byteOrder: descr[1] === ">" ? "big" : "little",
    shape: shape
      .split(",")
      .filter((part) => part.trim() !== "")
      .map(Number),
  };
}

/** A whole small array as a float32 tensor (test tensors; not for stacks). Throws `EdgeError`. */
export async function readNpyTensor(file: string): Promise<Tensor> {
  const source = await openByteSource(file);
  try {
    const header = await readNpyHeader(source);
    const { bytes: elementBytes, view } = sampleTypes[header.sampleType];
    const elements = elementCount(header.shape);
    if (elements > maxTensorElements || elements === 0) {
      throw unsupportedError(
        elements === 0 ? "the array holds no values" : "the array is too large to be a test tensor",
        {
          code: elements === 0 ? "npy-empty" : "npy-large",
          file,
          found: `shape (${header.shape.join(", ")}), ${elements} values`,
          allowed: `1 to ${maxTensorElements} values`,
          remedy: "Make the test tensors smaller, and export the package again",
        },
      );
    }
    const samples = view(new ArrayBuffer(elements * elementBytes), 0, elements);
    await readContiguous(source, header.byteOrder, header.dataOffset, samples);
    return { shape: header.shape, data: asFloats(samples) };
  } finally {
    await source.close();
  }
}

/** The bytes of a `.npy` file, version 1.0, little-endian, C order. */
export function encodeNpy(tensor: Tensor | Tensor64): Buffer {
  const descr = tensor.data instanceof Float64Array ? "<f8" : "<f4";
  return Buffer.concat([npyHeader(descr, tensor.shape), bytesOf(tensor.data)]);
}

/** The header of an array with this type and shape, padded so that the data begins at a multiple of 64 bytes. */
function npyHeader(descr: string, shape: readonly number[]): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const headerBytes = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10 + headerBytes, 0x20);
  magic.copy(header);
  header[6] = 1;
  header[7] = 0;
  header.writeUInt16LE(headerBytes, 8);
  header.write(text, 10, "latin1");
  header[header.length - 1] = 0x0a;
  return header;
}

function damaged(file: string, found: string) {
  return formatError("this is not a valid .npy file", {
    code: "npy-damaged",
    file,
    found,
    remedy: "Save it again with numpy.save",
  });
}
