/**
 * What a microscope wrote: sizes, sample type, physical sizes, channels. Pixels are not here; they flow as
 * planes (`formats/plane/plane-source.ts`).
 */

/** The sample types we read and write. Unsigned and signed integers, IEEE floats. */
export type SampleType = "uint8" | "int8" | "uint16" | "int16" | "uint32" | "int32" | "float32" | "float64";

/** One plane's samples, `[Y, X]` in C order, native byte order. */
export type Samples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

export interface SampleTypeFacts {
  readonly bytes: number;
  readonly integer: boolean;
  /** The range of values for integer types; ±Infinity for floats. */
  readonly min: number;
  readonly max: number;
  /** Makes a zeroed array, or views `[byteOffset, byteOffset + 4·length)` of a buffer. */
  readonly make: (length: number) => Samples;
  readonly view: (buffer: ArrayBufferLike, byteOffset: number, length: number) => Samples;
}

function facts(
  bytes: number,
  integer: boolean,
  min: number,
  max: number,
  array: {
    new (length: number): Samples;
    new (buffer: ArrayBufferLike, byteOffset: number, length: number): Samples;
  },
): SampleTypeFacts {
  return {
    bytes,
    integer,
    min,
    max,
    make: (length) => new array(length),
    view: (buffer, byteOffset, length) => new array(buffer, byteOffset, length),
  };
}

export const sampleTypes: Readonly<Record<SampleType, SampleTypeFacts>> = {
  uint8: facts(1, true, 0, 0xff, Uint8Array),
  int8: facts(1, true, -0x80, 0x7f, Int8Array),
  uint16: facts(2, true, 0, 0xffff, Uint16Array),
  int16: facts(2, true, -0x8000, 0x7fff, Int16Array),
  uint32: facts(4, true, 0, 0xffff_ffff, Uint32Array),
  int32: facts(4, true, -0x8000_0000, 0x7fff_ffff, Int32Array),
  float32: facts(4, false, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Float32Array),
  float64: facts(8, false, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Float64Array),
};

/** The same memory as bytes, in native order. */
export function bytesOf(samples: Samples): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

/** The samples as they are where they are float32 already, else a copy. */
export function asFloats(samples: Samples): Float32Array {
  return samples instanceof Float32Array ? samples : Float32Array.from(samples);
}

/** Whether every sample is zero. */
export function isAllZero(samples: Samples): boolean {
  return samples.every((sample: number) => sample === 0);
}

/** Lengths of the five axes; an axis that the file does not have is 1. */
export interface Sizes {
  readonly t: number;
  readonly c: number;
  readonly z: number;
  readonly y: number;
  readonly x: number;
}

/** A physical length as the file states it, and in µm where its unit is one of length. */
export interface Length {
  readonly value: number;
  /** As written, after repair of known mis-encodings: "µm", "nm", "pixel", … */
  readonly unit: string;
  /** `value` in µm; absent where the unit is not a length ("pixel", "reference frame"). */
  readonly um?: number;
}

export interface PixelSize {
  readonly x?: Length;
  readonly y?: Length;
  readonly z?: Length;
}

export interface Duration {
  readonly value: number;
  readonly unit: string;
  /** `value` in seconds, where the unit is one of time. */
  readonly s?: number;
}

export interface Channel {
  readonly name?: string;
}

/** Who wrote the file, as far as its own words and structure tell. */
export type Make =
  | "OME-TIFF"
  | "ImageJ"
  | "TIFF"
  | "MetaMorph STK"
  | "ScanImage"
  | "Leica LIF"
  | "OME-Zarr"
  | "NDTiff"
  | "HDF5"
  | "NumPy";

/** Metadata as text, kept so that the result can carry it on. OME-XML is the file's own, or what the reader of a LIF states in it. */
export type OriginalMetadata =
  | { readonly kind: "ome-xml"; readonly xml: string; readonly imageIndex: number }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "none" };

/** One series of a file: what `info` prints. */
export interface Acquisition {
  /** Path as given. */
  readonly file: string;
  /** All files that hold its planes (one, but for multi-file sets); of an OME-Zarr the folder of the image. */
  readonly members: readonly string[];
  /** The file that describes the set of which only this file is read, as this one names it; beside it. */
  readonly describedBy?: string;
  /** Which image of the file this is, from 0. */
  readonly series: number;
  readonly seriesCount: number;
  /** The image's own name, where it has one. */
  readonly name?: string;
  readonly make: Make;
  /**
   * Axes in the order of the stored series, slowest first, axes of length 1 dropped, in tifffile's letters:
   * T, C, Z, Y, X; Q or I for a sequence of pages with no named axis (read as Z).
   */
  readonly axes: string;
  /** Lengths in the order of `axes`. */
  readonly shape: readonly number[];
  readonly sizes: Sizes;
  readonly sampleType: SampleType;
  /** Bits that carry signal where the file says so (12-bit camera in 16-bit samples). */
  readonly significantBits?: number;
  readonly pixelSize: PixelSize;
  readonly timeIncrement?: Duration;
  /** One entry per channel, `sizes.c` of them. */
  readonly channels: readonly Channel[];
  /** In the words of TIFF: "none", "LZW", "deflate", "PackBits", "zstd"; in those of Zarr: "blosc", "gzip", ... */
  readonly compression: string;
  readonly byteOrder: "little" | "big";
  readonly original: OriginalMetadata;
  /** What a careful reader should know: "MinIsWhite: values are as stored", "axes are a guess: …". */
  readonly notes: readonly string[];
}

/** An image of which nothing is known but these: in no file yet, little-endian, axes of length 1 dropped. */
export function plainAcquisition(
  known: Pick<Acquisition, "file" | "make" | "sizes" | "sampleType">,
): Acquisition {
  const { sizes } = known;
  const long = (["t", "c", "z"] as const).filter((axis) => sizes[axis] > 1);
  return {
    ...known,
    members: [],
    series: 0,
    seriesCount: 1,
    axes: `${long.join("").toUpperCase()}YX`,
    shape: [...long.map((axis) => sizes[axis]), sizes.y, sizes.x],
    pixelSize: {},
    channels: Array.from({ length: sizes.c }, () => ({})),
    compression: "none",
    byteOrder: "little",
    original: { kind: "none" },
    notes: [],
  };
}

/** Number of planes, T·C·Z. */
export function planeCount(sizes: Sizes): number {
  return sizes.t * sizes.c * sizes.z;
}

/**
 * All files that an acquisition was read from: its members, and the file that describes them where that is none. A folder that the
 * members lie in is no file.
 */
export function sourceFilesOf({ file, members }: Pick<Acquisition, "file" | "members">): readonly string[] {
  const isTold = members.includes(file) || members.some((member) => member.startsWith(`${file}/`));
  return isTold ? members : [file, ...members];
}
