import type { Acquisition } from "../../core/acquisition.ts";
import type { PlaneShape } from "../metrics/local-moments.ts";
import { meanOf } from "../metrics/noisy-references.ts";

/** One field recorded several times: what a calibration rests on. */
export interface Repeats extends PlaneShape {
  readonly depth: number;
  /** How many scans each image stands for: 1 for repeats, more for ready-made averages. In order of recording. */
  readonly averages: readonly number[];
  /** What each image is called in messages and in the report. */
  readonly names: readonly string[];
  /** Of the first image: pixel sizes and channel for what is written. Its own sizes may be larger than the field. */
  readonly acquisition: Acquisition;
  /** All files that are read. */
  readonly files: readonly string[];
  /** Plane `z` of image `index`, `[Y, X]`, the caller's to keep. */
  readonly readPlane: (index: number, z: number, signal?: AbortSignal) => Promise<Float32Array>;
  readonly close: () => Promise<void>;
}

/** Plane `z` of some of the images. */
export async function readAll(
  repeats: Repeats,
  indices: Iterable<number>,
  z: number,
  signal?: AbortSignal,
): Promise<readonly Float32Array[]> {
  const images: Float32Array[] = [];
  for (const index of indices) {
    signal?.throwIfAborted();
    images.push(await repeats.readPlane(index, z, signal));
  }
  return images;
}

/** Mean of the repeats of one draw. */
export async function readMean(
  repeats: Repeats,
  draw: readonly number[],
  z: number,
  signal?: AbortSignal,
): Promise<Float32Array> {
  return meanOf(await readAll(repeats, draw, z, signal));
}
