import type { Acquisition, Samples, Sizes } from "../../core/acquisition.ts";

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
