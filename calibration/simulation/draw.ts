import { randomOf } from "./random.ts";
import type { Cell, Spot } from "./structures.ts";

/** A plane being lit, `[height, width]`: light is added. */
export interface Canvas {
  readonly light: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Beyond this many standard deviations a spot gives less than a thousandth of its light. */
const reach = 3.7;

/** Adds the spot as plane `z` sees it, moved by (`moveX`, `moveY`) pixels: a Gaussian in all three directions. */
export function drawSpot(canvas: Canvas, spot: Spot, z: number, moveX: number, moveY: number): void {
  const distance = (z - spot.z) / spot.sigmaZ;
  if (Math.abs(distance) > reach) return;
  const { light, width, height } = canvas;
  const amplitude = spot.amplitude * Math.exp(-0.5 * distance * distance);
  const x = spot.x + moveX;
  const y = spot.y + moveY;
  const radius = reach * spot.sigma;
  const fromX = Math.max(0, Math.ceil(x - radius));
  const toX = Math.min(width - 1, Math.floor(x + radius));
  const fromY = Math.max(0, Math.ceil(y - radius));
  const toY = Math.min(height - 1, Math.floor(y + radius));
  const scale = -0.5 / (spot.sigma * spot.sigma);
  for (let row = fromY; row <= toY; row += 1) {
    const ofRow = amplitude * Math.exp(scale * (row - y) * (row - y));
    // exp(s (d+1)²) = exp(s d²) · exp(s (2d+1)), and the second factor's own ratio is constant.
    let value = ofRow * Math.exp(scale * (fromX - x) * (fromX - x));
    let ratio = Math.exp(scale * (2 * (fromX - x) + 1));
    const ratioOfRatios = Math.exp(2 * scale);
    for (let at = row * width + fromX; at <= row * width + toX; at += 1) {
      light[at] = (light[at] ?? 0) + value;
      value *= ratio;
      ratio *= ratioOfRatios;
    }
  }
}

/** Blur of a surface seen edge on, in pixels, and what is added to it where the surface faces the viewer. */
const edgeBlur = 1.2;
const axialBlur = 3;

/** Light out of focus around a cell: its share, and how fast it fades, in pixels. */
const skirtShare = 0.08;
const skirtFades = 6;

/** Beyond this distance from the surface (pixels) a cell gives no light any more. */
const cellReach = 20;

/** Adds the cell as plane `z` sees it: a textured body or a shell with a dim inside, and light out of focus. */
export function drawCell(canvas: Canvas, cell: Cell, z: number, moveX: number, moveY: number): void {
  const { light, width, height } = canvas;
  const w = (z - cell.z) / cell.radiusZ;
  const meanRadius = Math.sqrt(cell.radiusX * cell.radiusY);
  if ((Math.abs(w) - 1) * meanRadius > cellReach) return;
  const x = cell.x + moveX;
  const y = cell.y + moveY;
  const radius = Math.max(cell.radiusX, cell.radiusY) * (1 + 2 * cell.waviness) + cellReach;
  const fromX = Math.max(0, Math.ceil(x - radius));
  const toX = Math.min(width - 1, Math.floor(x + radius));
  const fromY = Math.max(0, Math.ceil(y - radius));
  const toY = Math.min(height - 1, Math.floor(y + radius));
  const cos = Math.cos(cell.angle);
  const sin = Math.sin(cell.angle);
  const outline = outlineOf(cell);
  const grainX = (cell.textureSeed & 0x7f) - Math.round(x);
  const grainY = ((cell.textureSeed >> 7) & 0x7f) - Math.round(y);
  const grainZ = Math.round(z) + ((cell.textureSeed >> 14) & 0x1f);

  for (let row = fromY; row <= toY; row += 1) {
    const dy = row - y;
    for (let column = fromX; column <= toX; column += 1) {
      const dx = column - x;
      const u = (dx * cos + dy * sin) / cell.radiusX;
      const v = (dy * cos - dx * sin) / cell.radiusY;
      const across = u * u + v * v;
      const r = Math.sqrt(across + w * w);
      const surface = (r / outline(u, v, across, w) - 1) * meanRadius;
      if (surface > cellReach) continue;
      const blur = edgeBlur + (axialBlur * w * w) / (r * r + 1e-6);
      const body = 1 / (1 + Math.exp(surface / blur));
      const skirt = skirtShare * Math.exp(-Math.max(0, surface) / skirtFades);
      const uneven = textureAt(grainZ, row + grainY, column + grainX);
      const shape = cell.filled
        ? body * (0.25 + 1.1 * uneven)
        : Math.exp((-0.5 * surface * surface) / (blur * blur)) * (0.4 + 0.9 * uneven) + 0.12 * body;
      const at = row * width + column;
      light[at] = (light[at] ?? 0) + cell.amplitude * (shape + skirt);
    }
  }
}

/** Radius of the outline against the ellipsoid's, in the direction of (u, v): waves of 2, 3 and 5 periods. */
function outlineOf(cell: Cell): (u: number, v: number, across: number, w: number) => number {
  const [a, b, c] = cell.phases;
  const cosines = [Math.cos(a), Math.cos(b), Math.cos(c)] as const;
  const sines = [Math.sin(a), Math.sin(b), Math.sin(c)] as const;
  return (u, v, across, w) => {
    // Powers of the unit complex number in that direction give the multiples of the angle.
    const length = Math.sqrt(across) + 1e-9;
    const re1 = u / length;
    const im1 = v / length;
    const re2 = re1 * re1 - im1 * im1;
    const im2 = 2 * re1 * im1;
    const re3 = re2 * re1 - im2 * im1;
    const im3 = re2 * im1 + im2 * re1;
    const re5 = re3 * re2 - im3 * im2;
    const im5 = re3 * im2 + im3 * re2;
    const waves =
      re2 * cosines[0] -
      im2 * sines[0] +
      (re3 * cosines[1] - im3 * sines[1]) +
      0.6 * (re5 * cosines[2] - im5 * sines[2]);
    // Towards the poles the waves come closer and the surface smoother; straight above there is no direction.
    return 1 + (cell.waviness * waves * across) / (across + 2 * w * w + 0.05);
  };
}

/** Adds faint, uneven light from far out of focus: the texture, stretched `stretch` times; moved as in `drawSpot`. */
export function drawHaze(
  canvas: Canvas,
  level: number,
  shiftX: number,
  shiftY: number,
  moveX: number,
  moveY: number,
): void {
  const { light, width, height } = canvas;
  const stretch = 12;
  for (let row = 0; row < height; row += 1) {
    const grainY = (row - moveY) / stretch + shiftY;
    const y0 = Math.floor(grainY);
    const toY1 = grainY - y0;
    for (let column = 0; column < width; column += 1) {
      const grainX = (column - moveX) / stretch + shiftX;
      const x0 = Math.floor(grainX);
      const toX1 = grainX - x0;
      const top = textureAt(0, y0, x0) * (1 - toX1) + textureAt(0, y0, x0 + 1) * toX1;
      const low = textureAt(0, y0 + 1, x0) * (1 - toX1) + textureAt(0, y0 + 1, x0 + 1) * toX1;
      const at = row * width + column;
      light[at] = (light[at] ?? 0) + level * (0.5 + top * (1 - toY1) + low * toY1);
    }
  }
}

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
function textureAt(z: number, y: number, x: number): number {
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

/** The knots on both sides of a place; `toSecond` is 0 at the first, 1 at the second, flat at both. */
function neighbours(place: number, period: number, knots: number) {
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
