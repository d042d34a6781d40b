import { readFileSync } from "node:fs";
import type { Samples } from "../../core/acquisition.ts";
import { roundHalfToEven } from "../../core/round.ts";

/**
 * The loops that touch every voxel of every job, in WebAssembly with SIMD: V8 compiles the same loops to scalar
 * code that takes two to five times as long. Values pass through a small scratch memory, chunk by chunk, which stays
 * in the processor's cache; nothing else of the product knows of it. The source is `voxels.wat`.
 */

/** Voxels in the scratch memory at once; a multiple of 8. */
const chunk = 16_384;
const outputAt = 131_072;

interface Kernels {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly normalize: (count: number, low: number, scale: number, min: number, max: number) => void;
  readonly quantize: (count: number, gain: number, offset: number, min: number, max: number) => number;
  readonly round16: (count: number, min: number, max: number) => number;
  readonly widen16: (count: number) => void;
}

/** What we use of the global that Node has and whose types come with browsers only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

const module = new WebAssembly.Module(readFileSync(new URL("./voxels.wasm", import.meta.url)));
const kernels = new WebAssembly.Instance(module).exports as Kernels;
const { buffer } = kernels.memory;
const doublesIn = new Float64Array(buffer, 0, chunk);
const floatsIn = new Float32Array(buffer, 0, chunk);
const floatsOut = new Float32Array(buffer, outputAt, chunk);
const integersOut = new Int32Array(buffer, outputAt, chunk);
const shortsIn = new Uint16Array(buffer, 0, chunk);
const shortsOut = new Uint16Array(buffer, outputAt, chunk);

/** `(x - low) · scale`, then between `min` and `max`. */
export interface Normalizing {
  readonly low: number;
  readonly scale: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Fills an array of network input from its start, sample after sample. Computed in float64 and rounded once, to float32; a
 * result that is not finite becomes 0.
 */
export function inputWriter(into: Float32Array, { low, scale, min, max }: Normalizing) {
  // Integers that no map changes are converted by the array itself.
  const asTheyAre = low === 0 && scale === 1 && min === -Infinity && max === Infinity;
  let waiting = 0;
  let written = 0;
  const flush = (): void => {
    // Up to three values beyond are computed too and left there.
    kernels.normalize(Math.ceil(waiting / 4) * 4, low, scale, min, max);
    into.set(waiting === chunk ? floatsOut : floatsOut.subarray(0, waiting), written);
    written += waiting;
    waiting = 0;
  };
  return {
    /** Appends `samples[first]` up to `samples[end - 1]`. */
    append(samples: Samples, first: number, end: number): void {
      if (asTheyAre && !(samples instanceof Float32Array || samples instanceof Float64Array)) {
        flush();
        if (samples instanceof Uint16Array) widen(samples.subarray(first, end), into.subarray(written));
        else into.set(samples.subarray(first, end), written);
        written += end - first;
        return;
      }
      for (let from = first; from < end; ) {
        const count = Math.min(end - from, chunk - waiting);
        doublesIn.set(samples.subarray(from, from + count), waiting);
        waiting += count;
        from += count;
        if (waiting === chunk) flush();
      }
    },
    /** Appends `samples[start + i]` for each of these. */
    appendEach(samples: Samples, start: number, indices: Int32Array): void {
      for (const index of indices) {
        doublesIn[waiting] = samples[start + index] as number;
        waiting += 1;
        if (waiting === chunk) flush();
      }
    },
    /** Writes what was appended last. No other writer may be used before. */
    finish: flush,
  };
}

/** Writes integers as floats. */
function widen(samples: Uint16Array, into: Float32Array): void {
  for (let at = 0; at < samples.length; at += chunk) {
    const count = Math.min(chunk, samples.length - at);
    shortsIn.set(count === samples.length ? samples : samples.subarray(at, at + count));
    kernels.widen16(Math.ceil(count / 8) * 8);
    into.set(count === chunk ? floatsOut : floatsOut.subarray(0, count), at);
  }
}

/** `gain · x + offset`, rounded half to even, then between `min` and `max`, bounds of an integer type. */
export interface Quantizing {
  readonly gain: number;
  readonly offset: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Writes floats as integers, computed in float64. Returns how many had to be clipped; NaN becomes 0 and counts as
 * clipped.
 */
export function quantize(values: Float32Array, map: Quantizing, into: Samples): number {
  const { gain, offset, min, max } = map;
  const asTheyAre = gain === 1 && offset === 0;
  const target = asTheyAre ? asShorts(into) : undefined;
  let clipped = 0;
  for (let at = 0; at < values.length; at += chunk) {
    const count = Math.min(chunk, values.length - at);
    floatsIn.set(values.subarray(at, at + count));
    // Filled up to a multiple of 8 with the last value, which is then counted more than once.
    const filled = Math.ceil(count / 8) * 8;
    floatsIn.fill(values[at + count - 1] ?? 0, count, filled);
    if (target === undefined) {
      clipped += kernels.quantize(filled, gain, offset, min, max);
      into.set(count === chunk ? integersOut : integersOut.subarray(0, count), at);
    } else {
      clipped += kernels.round16(filled, min, max);
      target.set(count === chunk ? shortsOut : shortsOut.subarray(0, count), at);
    }
    if (filled > count) clipped -= (filled - count) * lastIsClipped(values, map);
  }
  return clipped;
}

/** 16-bit integers, signed or not, as their bits: arrays of one type are copied without a look at each element. */
function asShorts(samples: Samples): Uint16Array | undefined {
  if (samples instanceof Uint16Array) return samples;
  return samples instanceof Int16Array
    ? new Uint16Array(samples.buffer, samples.byteOffset, samples.length)
    : undefined;
}

function lastIsClipped(values: Float32Array, { gain, offset, min, max }: Quantizing): 0 | 1 {
  const rounded = roundHalfToEven((values[values.length - 1] ?? 0) * gain + offset);
  return rounded >= min && rounded <= max ? 0 : 1;
}
