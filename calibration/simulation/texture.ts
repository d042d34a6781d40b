import { randomOf } from "./random.ts";

/** The period, in pixels and planes: powers of two. */
const side = 128;
const depth = 32;

/** Knots of the coarse and of the fine grain, per period: 9 and 5 pixels apart, 4 and 2 planes. */
const grains = [
  { across: 14, along: 8, weight: 0.65 },
  { across: 26, along: 16, weight: 0.35 },
] as const;

/** `[depth, side, side]`, C order; made once. */
let made: Float32Array | undefined;

/**
 * Smooth unevenness in three dimensions, between 0 and 1, at whole pixels and planes, which may be negative; it repeats
 * after `side` and `depth`.
 */
export function textureAt(z: number, y: number, x: number): number {
  made ??= makeValues();
  return made[((z & (depth - 1)) * side + (y & (side - 1))) * side + (x & (side - 1))] ?? 0;
}

function makeValues(): Float32Array {
  const values = new Float32Array(depth * side * side);
  for (const { across, along, weight } of grains) {
    const random = randomOf(across, along);
    const knots = Float32Array.from({ length: along * across * across }, random);
    const pixels = Array.from({ length: side }, (_, place) => neighbours(place, side, across));
    const knot = (z: number, y: number, x: number): number => knots[(z * across + y) * across + x] ?? 0;
    for (let z = 0; z < depth; z += 1) {
      const plane = neighbours(z, depth, along);
      pixels.forEach((row, y) => {
        // The four knots around each knot column of this row, mixed down to one: then only X is left.
        const line = Float32Array.from({ length: across }, (_, x) =>
          mix(
            mix(knot(plane.first, row.first, x), knot(plane.first, row.second, x), row.toSecond),
            mix(knot(plane.second, row.first, x), knot(plane.second, row.second, x), row.toSecond),
            plane.toSecond,
          ),
        );
        const start = (z * side + y) * side;
        pixels.forEach(({ first, second, toSecond }, x) => {
          const grain = mix(line[first] ?? 0, line[second] ?? 0, toSecond);
          values[start + x] = (values[start + x] ?? 0) + weight * grain;
        });
      });
    }
  }
  return values;
}

interface Neighbours {
  readonly first: number;
  readonly second: number;
  /** 0 at the first knot, 1 at the second, flat at both. */
  readonly toSecond: number;
}

/** The knots on both sides of a place. */
function neighbours(place: number, period: number, knots: number): Neighbours {
  const exact = (place * knots) / period;
  const first = Math.floor(exact);
  const fraction = exact - first;
  return {
    first: first % knots,
    second: (first + 1) % knots,
    toSecond: fraction * fraction * (3 - 2 * fraction),
  };
}

function mix(a: number, b: number, toB: number): number {
  return a + (b - a) * toB;
}
