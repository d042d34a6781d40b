import type { Samples } from "../../core/acquisition.ts";
import { frequencyOf, transform2d, windowedSpectrum } from "./fourier-transform.ts";
import type { PlaneShape } from "./local-moments.ts";

/** By how much the second image is moved against the first, in pixels; positive is down and to the right. */
export interface Shift {
  readonly y: number;
  readonly x: number;
}

/**
 * Phases above this frequency (cycles per pixel, one standard deviation) count little: at low light they are noise.
 * It makes the correlation peak a Gaussian of σ = 1/(2π · 0.1) = 1.6 pixels, whose top three logarithms locate.
 */
const lowPass = 0.1;

/**
 * Shift between two images by phase correlation (Kuglin and Hines 1975), to a fraction of a pixel: the logarithms of
 * the peak and its neighbours are fitted by a parabola on each axis. Both `[Y, X]`; shifts beyond half the field fold.
 * Every frequency counts alike, which suits two recordings of equal noise.
 */
export function phaseCorrelation(first: Samples, second: Samples, shape: PlaneShape): Shift {
  return correlation(first, second, shape, (magnitude) => (magnitude === 0 ? 0 : 1 / magnitude));
}

/**
 * The same by plain cross-correlation: each frequency counts by what both images hold of it. A denoised image has
 * frequencies of which next to nothing is left; by their phases alone, it would seem to lie elsewhere.
 */
export function crossCorrelation(first: Samples, second: Samples, shape: PlaneShape): Shift {
  return correlation(first, second, shape, () => 1);
}

function correlation(
  first: Samples,
  second: Samples,
  shape: PlaneShape,
  weighting: (magnitude: number) => number,
): Shift {
  const a = windowedSpectrum(first, shape.height, shape.width);
  const b = windowedSpectrum(second, shape.height, shape.width);
  const { height, width, re, im } = a;
  for (let row = 0; row < height; row += 1) {
    const fy = frequencyOf(row, height);
    for (let column = 0; column < width; column += 1) {
      const fx = frequencyOf(column, width);
      const at = row * width + column;
      const crossRe = (re[at] ?? 0) * (b.re[at] ?? 0) + (im[at] ?? 0) * (b.im[at] ?? 0);
      const crossIm = (re[at] ?? 0) * (b.im[at] ?? 0) - (im[at] ?? 0) * (b.re[at] ?? 0);
      const magnitude = Math.hypot(crossRe, crossIm);
      const weight = Math.exp(-(fx * fx + fy * fy) / (2 * lowPass * lowPass)) * weighting(magnitude);
      re[at] = crossRe * weight;
      im[at] = crossIm * weight;
    }
  }
  transform2d(a, true);
  return peakOf(re, height, width);
}

function peakOf(values: Float64Array, height: number, width: number): Shift {
  let best = 0;
  for (let at = 1; at < values.length; at += 1) {
    if ((values[at] ?? 0) > (values[best] ?? 0)) best = at;
  }
  const row = Math.floor(best / width);
  const column = best % width;
  const value = (y: number, x: number) =>
    values[((y + height) % height) * width + ((x + width) % width)] ?? 0;
  const top = value(row, column);
  return {
    y: frequencyOf(row, height) * height + vertex(value(row - 1, column), top, value(row + 1, column)),
    x: frequencyOf(column, width) * width + vertex(value(row, column - 1), top, value(row, column + 1)),
  };
}

/** Where a Gaussian through three equidistant points has its top, in steps from the middle one. */
function vertex(before: number, top: number, after: number): number {
  if (before <= 0 || after <= 0 || top <= 0) return 0;
  const a = Math.log(before);
  const b = Math.log(top);
  const c = Math.log(after);
  const curvature = a - 2 * b + c;
  return curvature === 0 ? 0 : (0.5 * (a - c)) / curvature;
}
