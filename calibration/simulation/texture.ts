import { randomOf } from "./random.ts";

/** Smooth unevenness in three dimensions, between 0 and 1, that repeats after a period; made once. */
export interface Texture {
  /** `[depth, side, side]`, C order; both are powers of two. */
  readonly values: Float32Array;
  readonly depth: number;
  readonly side: number;
}

const side = 128;
const depth = 32;

/** Knots of the coarse and of the fine grain, per period: 9 and 5 pixels apart, 4 and 2 planes. */
const grains = [
  { across: 14, along: 8, weight: 0.65 },
  { across: 26, along: 16, weight: 0.35 },
] as const;

let made: Texture | undefined;

export function texture(): Texture {
  made ??= { values: makeValues(), depth, side };
  return made;
}

/** The texture at whole pixels and planes, which may be negative or beyond the period. */
export function textureAt(
  { values, depth: planes, side: pixels }: Texture,
  z: number,
  y: number,
  x: number,
): number {
  return values[((z & (planes - 1)) * pixels + (y & (pixels - 1))) * pixels + (x & (pixels - 1))] ?? 0;
}

function makeValues(): Float32Array {
  const values = new Float32Array(depth * side * side);
  for (const { across, along, weight } of grains) {
    const random = randomOf(across, along);
    const knots = Float32Array.from({ length: along * across * across }, random);
    let index = 0;
    for (let z = 0; z < depth; z += 1) {
      const [z0, z1, toZ1] = neighbours(z, depth, along);
      for (let y = 0; y < side; y += 1) {
        const [y0, y1, toY1] = neighbours(y, side, across);
        for (let x = 0; x < side; x += 1) {
          const [x0, x1, toX1] = neighbours(x, side, across);
          const row = (kz: number, ky: number): number => {
            const base = (kz * across + ky) * across;
            return mix(knots[base + x0] ?? 0, knots[base + x1] ?? 0, toX1);
          };
          const plane = (kz: number): number => mix(row(kz, y0), row(kz, y1), toY1);
          values[index] = (values[index] ?? 0) + weight * mix(plane(z0), plane(z1), toZ1);
          index += 1;
        }
      }
    }
  }
  return values;
}

/** The knots on both sides of a place, and how far it is from the first towards the second (smooth at both). */
function neighbours(place: number, period: number, knots: number): [number, number, number] {
  const exact = (place * knots) / period;
  const first = Math.floor(exact);
  const fraction = exact - first;
  return [first % knots, (first + 1) % knots, fraction * fraction * (3 - 2 * fraction)];
}

function mix(a: number, b: number, toB: number): number {
  return a + (b - a) * toB;
}
