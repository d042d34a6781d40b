import type { Acquisition, Samples, Sizes } from "../../core/acquisition.ts";
import { type EdgeError, usageError } from "../../core/errors.ts";
import type { ByteSource } from "../file/byte-source.ts";
import type { Reading, ReadLimits } from "../file/reading.ts";

/** Where a plane stands: zero-based indices on T, C and Z. */
export interface PlaneIndex {
  readonly t: number;
  readonly c: number;
  readonly z: number;
}

/** One Y, X image. `samples` is `[Y, X]`, C order, native byte order. */
export interface Plane extends PlaneIndex {
  readonly samples: Samples;
}

/** Throws `EdgeError` (`usage`) where an acquisition has no such plane. */
export function refuseOutside(index: PlaneIndex, { file, sizes }: Pick<Acquisition, "file" | "sizes">): void {
  const { t, c, z } = index;
  const isPlace = [t, c, z].every((place) => Number.isInteger(place) && place >= 0);
  if (isPlace && t < sizes.t && c < sizes.c && z < sizes.z) return;
  throw usageError("the acquisition has no such plane", {
    code: "plane-index",
    file,
    found: `T ${t}, C ${c}, Z ${z}`,
    allowed: `below T ${sizes.t}, C ${sizes.c}, Z ${sizes.z}`,
  });
}

/** One image whose planes can be read. Nothing is held but offsets; each plane is read when asked for. */
export interface PlaneReader {
  readonly acquisition: Acquisition;
  /**
   * Reads one plane, `[Y, X]`. Calls may overlap. With `into` (same type, `sizes.y · sizes.x` long) the samples
   * are written there and `into` is returned; otherwise the array is the caller's to keep.
   * Throws `EdgeError` (`format`) when the file is cut or its samples cannot be decoded.
   */
  readPlane(
    index: PlaneIndex,
    options?: { into?: Samples; signal?: AbortSignal | undefined },
  ): Promise<Samples>;
}

/** An acquisition opened for reading. Whoever opens it closes it. */
export interface PlaneSource extends PlaneReader {
  close(): Promise<void>;
}

/** Where all planes stand, in T, C, Z order (T slowest). */
export function* planesIn(sizes: Pick<Sizes, "t" | "c" | "z">): Generator<PlaneIndex> {
  for (let t = 0; t < sizes.t; t += 1) {
    for (let c = 0; c < sizes.c; c += 1) {
      for (let z = 0; z < sizes.z; z += 1) yield { t, c, z };
    }
  }
}

/** One image in a file: readable, or refused for a reason of its own. */
export type SeriesFound = PlaneReader | { readonly refusal: EdgeError };

/** A file or a set whose structure was read once. Whoever opens it closes it, and with it all its series. */
export interface OpenedFile {
  /** All images, at least one. */
  readonly series: readonly SeriesFound[];
  /**
   * All files that it consists of, as far as its descriptions name them, also those that are missing. First the one
   * that stands for it: a companion, else the first by name of those that describe all of them.
   */
  readonly files: readonly string[];
  /** Planes may be read afterwards too: what that opens is closed by the next call. */
  close(): Promise<void>;
}

/** Reads one format: tells its files by their first bytes, and finds the images in them. */
export interface FormatReader {
  recognises(head: Uint8Array): boolean;
  /**
   * Reads the structure of the file, whole. Throws `EdgeError` where the file itself is cut, damaged or of a kind that
   * we do not read. The caller closes `source`.
   */
  find(source: ByteSource, limits: ReadLimits, reading: Reading): Promise<OpenedFile>;
}
