import type { PlaneShape } from "../../../calibration/metrics/local-moments.ts";

/** Stands in for a model whose behaviour is known: a plane `[Y, X]` in, a plane out. */
export type Double = (plane: Float32Array, shape: PlaneShape) => Float32Array;

export type DoubleName = "identity" | "blur" | "median" | "bilateral" | "invent" | "shift" | "rescale";

/** Grey values of the pattern that `invent` adds, and its period in pixels. */
const pattern = { amplitude: 1, period: 6 };

/** Doubles of models that do one thing each, for tests of what a calibration says of them. */
export const doubles: Readonly<Record<DoubleName, Double>> = {
  identity: (plane) => plane,
  blur: (plane, shape) => gaussianBlur(plane, shape, 1.2),
  median: (plane, shape) =>
    eachNeighbourhood(plane, shape, 2, (_, values) => values.sort()[values.length >> 1] ?? 0),
  bilateral: (plane, shape) => eachNeighbourhood(plane, shape, 3, bilateralMean),
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

/** Each pixel from the square of `2 radius + 1` pixels about it (row by row), edges repeated. */
function eachNeighbourhood(
  plane: Float32Array,
  { height, width }: PlaneShape,
  radius: number,
  of: (centre: number, values: Float32Array) => number,
): Float32Array {
  const side = 2 * radius + 1;
  const values = new Float32Array(side * side);
  const clamped = (at: number, length: number) => Math.min(length - 1, Math.max(0, at));
  return plane.map((centre, at) => {
    for (let place = 0; place < values.length; place += 1) {
      const row = clamped(Math.floor(at / width) + Math.floor(place / side) - radius, height);
      const column = clamped((at % width) + (place % side) - radius, width);
      values[place] = plane[row * width + column] ?? 0;
    }
    return of(centre, values);
  });
}

/** Neighbours weigh by nearness (σ = 1.5 pixels) and by likeness (σ = 8 grey values): Tomasi and Manduchi, ICCV 1998. */
function bilateralMean(centre: number, values: Float32Array): number {
  const side = Math.sqrt(values.length);
  const radius = (side - 1) / 2;
  let sum = 0;
  let weights = 0;
  values.forEach((value, place) => {
    const far = (Math.floor(place / side) - radius) ** 2 + ((place % side) - radius) ** 2;
    const weight = Math.exp(-far / (2 * 1.5 ** 2) - (value - centre) ** 2 / (2 * 8 ** 2));
    sum += weight * value;
    weights += weight;
  });
  return sum / weights;
}

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
  const along = (values: Float32Array, length: number, stride: number): Float32Array =>
    values.map((_, at) => {
      const place = Math.floor(at / stride) % length;
      let weighted = 0;
      for (let tap = 0; tap < taps.length; tap += 1) {
        const other = Math.min(length - 1, Math.max(0, place + tap - radius));
        weighted += (taps[tap] ?? 0) * (values[at + (other - place) * stride] ?? 0);
      }
      return weighted / sum;
    });
  return along(along(plane, width, 1), height, width);
}
