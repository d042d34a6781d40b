import type { PlaneShape } from "../metrics/local-moments.ts";

/** Stands in for a model whose behaviour is known: a plane `[Y, X]` in, a plane out. */
export type Double = (plane: Float32Array, shape: PlaneShape) => Float32Array;

export type DoubleName = "identity" | "blur" | "invent" | "shift" | "rescale";

/** Grey values of the pattern that `invent` adds, and its period in pixels. */
const pattern = { amplitude: 1, period: 6 };

/** Doubles of models that do one thing each, for tests of what a calibration says of them. */
export const doubles: Readonly<Record<DoubleName, Double>> = {
  identity: (plane) => plane,
  blur: (plane, shape) => gaussianBlur(plane, shape, 1.2),
  invent: (plane, { width }) =>
    plane.map(
      (value, at) =>
        value +
        pattern.amplitude *
          Math.sin((2 * Math.PI * (at % width)) / pattern.period) *
          Math.sin((2 * Math.PI * Math.floor(at / width)) / pattern.period),
    ),
  shift: (plane, { height, width }) =>
    plane.map((_, at) => {
      const row = Math.max(0, Math.floor(at / width) - 1);
      const column = Math.max(0, (at % width) - 1);
      return plane[Math.min(height - 1, row) * width + column] ?? 0;
    }),
  rescale: (plane) => plane.map((value) => 0.8 * value),
};

/** Separable Gaussian cut at 3 σ, edges repeated. */
export function gaussianBlur(
  plane: Float32Array,
  { height, width }: PlaneShape,
  sigma: number,
): Float32Array {
  const radius = Math.ceil(3 * sigma);
  const taps = Array.from({ length: 2 * radius + 1 }, (_, tap) =>
    Math.exp(-((tap - radius) ** 2) / (2 * sigma * sigma)),
  );
  const sum = taps.reduce((a, b) => a + b, 0);
  const clamped = (at: number, length: number) => Math.min(length - 1, Math.max(0, at));
  const rows = plane.map((_, at) => {
    const start = at - (at % width);
    return (
      taps.reduce(
        (of, tap, index) => of + tap * (plane[start + clamped((at % width) + index - radius, width)] ?? 0),
        0,
      ) / sum
    );
  });
  return rows.map((_, at) => {
    const row = Math.floor(at / width);
    return (
      taps.reduce(
        (of, tap, index) =>
          of + tap * (rows[clamped(row + index - radius, height) * width + (at % width)] ?? 0),
        0,
      ) / sum
    );
  });
}
