import type { Samples } from "../../core/acquisition.ts";

/** A spectrum, `[height, width]` in C order, frequencies in FFT order (0, 1, …, -1). */
export interface Spectrum {
  readonly height: number;
  readonly width: number;
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** The smallest power of two that is not below `length`. */
function powerOfTwoFrom(length: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, length)));
}

/** Hann window of a whole period: `0.5 - 0.5 cos(2π (i + 0.5) / n)`; symmetric, never zero. */
function hannWindow(length: number): Float64Array {
  return Float64Array.from({ length }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (at + 0.5)) / length));
}

/**
 * Spectrum of a real image, `[Y, X]` of `height` x `width`: its mean is taken off, a Hann window applied (so that
 * borders that do not meet give no cross), and zeros added up to powers of two.
 */
export function windowedSpectrum(
  image: Samples,
  height: number,
  width: number,
  start = 0,
  stride = width,
): Spectrum {
  const paddedHeight = powerOfTwoFrom(height);
  const paddedWidth = powerOfTwoFrom(width);
  const re = new Float64Array(paddedHeight * paddedWidth);
  const im = new Float64Array(paddedHeight * paddedWidth);
  let mean = 0;
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) mean += image[start + row * stride + column] ?? 0;
  }
  mean /= height * width;
  const rows = hannWindow(height);
  const columns = hannWindow(width);
  for (let row = 0; row < height; row += 1) {
    const ofRow = rows[row] ?? 0;
    for (let column = 0; column < width; column += 1) {
      re[row * paddedWidth + column] =
        ((image[start + row * stride + column] ?? 0) - mean) * ofRow * (columns[column] ?? 0);
    }
  }
  const spectrum = { height: paddedHeight, width: paddedWidth, re, im };
  transform2d(spectrum, false);
  return spectrum;
}

/** Transforms in place; sides must be powers of two. The inverse is divided by the number of values. */
export function transform2d(spectrum: Spectrum, inverse: boolean): void {
  const { height, width, re, im } = spectrum;
  const alongRows = planOf(width);
  for (let row = 0; row < height; row += 1) {
    alongRows(
      re.subarray(row * width, (row + 1) * width),
      im.subarray(row * width, (row + 1) * width),
      inverse,
    );
  }
  const alongColumns = planOf(height);
  const columnRe = new Float64Array(height);
  const columnIm = new Float64Array(height);
  for (let column = 0; column < width; column += 1) {
    for (let row = 0; row < height; row += 1) {
      columnRe[row] = re[row * width + column] ?? 0;
      columnIm[row] = im[row * width + column] ?? 0;
    }
    alongColumns(columnRe, columnIm, inverse);
    for (let row = 0; row < height; row += 1) {
      re[row * width + column] = columnRe[row] ?? 0;
      im[row * width + column] = columnIm[row] ?? 0;
    }
  }
}

export type Transform = (re: Float64Array, im: Float64Array, inverse: boolean) => void;

const plans = new Map<number, Transform>();

/** A radix-2 transform (Cooley and Tukey 1965) of a fixed length, a power of two, with its tables. */
export function planOf(length: number): Transform {
  const known = plans.get(length);
  if (known !== undefined) return known;
  const plan = createPlan(length);
  plans.set(length, plan);
  return plan;
}

function createPlan(length: number): Transform {
  const cos = Float64Array.from({ length: length / 2 }, (_, at) => Math.cos((2 * Math.PI * at) / length));
  const sin = Float64Array.from({ length: length / 2 }, (_, at) => Math.sin((2 * Math.PI * at) / length));
  const reversed = reversedIndices(length);
  return (re, im, inverse) => {
    for (let at = 0; at < length; at += 1) {
      const other = reversed[at] ?? 0;
      if (other > at) {
        swap(re, at, other);
        swap(im, at, other);
      }
    }
    const sign = inverse ? 1 : -1;
    for (let half = 1; half < length; half *= 2) {
      const step = length / (2 * half);
      for (let start = 0; start < length; start += 2 * half) {
        for (let at = 0; at < half; at += 1) {
          const turnRe = cos[at * step] ?? 0;
          const turnIm = sign * (sin[at * step] ?? 0);
          const low = start + at;
          const high = low + half;
          const highRe = re[high] ?? 0;
          const highIm = im[high] ?? 0;
          const re1 = highRe * turnRe - highIm * turnIm;
          const im1 = highRe * turnIm + highIm * turnRe;
          const re0 = re[low] ?? 0;
          const im0 = im[low] ?? 0;
          re[low] = re0 + re1;
          im[low] = im0 + im1;
          re[high] = re0 - re1;
          im[high] = im0 - im1;
        }
      }
    }
    if (!inverse) return;
    for (let at = 0; at < length; at += 1) {
      re[at] = (re[at] ?? 0) / length;
      im[at] = (im[at] ?? 0) / length;
    }
  };
}

function reversedIndices(length: number): Uint32Array {
  const bits = Math.log2(length);
  return Uint32Array.from({ length }, (_, index) => {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit += 1) reversed |= ((index >> bit) & 1) << (bits - 1 - bit);
    return reversed;
  });
}

function swap(values: Float64Array, a: number, b: number): void {
  const kept = values[a] ?? 0;
  values[a] = values[b] ?? 0;
  values[b] = kept;
}

/** Frequency of an FFT index in cycles per sample, -0.5 to 0.5. */
export function frequencyOf(index: number, length: number): number {
  return (index < length / 2 ? index : index - length) / length;
}
