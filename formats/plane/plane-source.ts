import type { Acquisition, Samples } from "../../core/acquisition.ts";

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
  readPlane(index: PlaneIndex, options?: { into?: Samples; signal?: AbortSignal }): Promise<Samples>;
}

/** An acquisition opened for reading. Whoever opens it closes it. */
export interface PlaneSource extends PlaneReader {
  close(): Promise<void>;
}

/** All planes in T, C, Z order (T slowest), each read as the consumer asks for it. */
export async function* planesOf(source: PlaneSource, signal?: AbortSignal): AsyncGenerator<Plane> {
  const { sizes } = source.acquisition;
  for (let t = 0; t < sizes.t; t += 1) {
    for (let c = 0; c < sizes.c; c += 1) {
      for (let z = 0; z < sizes.z; z += 1) {
        const samples = await source.readPlane({ t, c, z }, signal === undefined ? {} : { signal });
        yield { t, c, z, samples };
      }
    }
  }
}
