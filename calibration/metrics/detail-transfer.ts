import type { Random } from "../simulation/random.ts";
import { frequencyOf, type Spectrum, windowedSpectrum } from "./fourier-transform.ts";
import { type Estimate, quantile } from "./intervals.ts";
import type { PlaneShape } from "./local-moments.ts";
import type { NoisyReferences } from "./noisy-references.ts";
import type { Shift } from "./phase-correlation.ts";

export interface DetailBand {
  /** Cycles per pixel. */
  readonly from: number;
  readonly to: number;
  /** Gain, with the interval from a bootstrap over tiles. Absent where the references show no detail. */
  readonly gain?: Estimate;
  /**
   * Share of the reproduced detail that is no filtered truth; absent with a single draw. Where the references show no
   * detail, all that the results reproduce beyond what the references may hide.
   */
  readonly added?: Estimate;
  /** Passed on over reproduced; absent with a single draw or where the references show no detail. */
  readonly accountedFor?: Estimate;
  /** This band's share of the detail that all images reproduce (or of the truth with a single draw). */
  readonly weight: number;
}

const bandEdges = [0.02, 0.06, 0.12, 0.2, 0.3, 0.5];
const bandCount = bandEdges.length - 1;
const largestTile = 64;
const smallestTile = 16;
/** So many tiles along the shorter side, where the field is large enough. */
const tilesAcross = 4;
const replicates = 500;

/**
 * A band whose cross power is not at least this many standard deviations of noise above zero tells nothing. Noise
 * turns cross power in any direction of the complex plane, truth in the real one only: the imaginary part is the
 * measure of noise.
 */
const detectable = 4;

type Quantity = "truth" | "passed" | "reproduced" | "truthNoise" | "reproducedNoise";

/**
 * What became of the field's detail, by spatial frequency, from spectra that share no noise:
 * - truth: cross power of the two reference halves, `Σ Re R1 R2*`;
 * - passed on: cross power of image and references, `Σ Re X R*`; over truth it is the gain (1: untouched, below 1:
 *   blurred, above: sharpened);
 * - reproduced: cross power of two images made of different draws, `Σ Re X1 X2*`: all that is in every result.
 *   What of it is more than gain² · truth is not the truth times one filter: the filter changes from place to place, as
 *   that of a median does, or detail was added;
 * - accounted for: passed on over reproduced. A smoothing filter, whatever its place, has gains g from 0 to 1, so that
 *   `Σ g² T ≤ Σ g T`: reproduced is at most passed on. Below 1, no smoothing made it: detail is added or put elsewhere.
 *
 * `moved` is undone before comparing: a shift is reported as such, not as lost detail.
 */
export function detailTransfer(shape: PlaneShape, moved: Shift) {
  const across = 2 ** Math.floor(Math.log2(Math.min(shape.height, shape.width) / tilesAcross));
  const side = Math.min(largestTile, Math.max(smallestTile, across));
  const rows = Math.floor(shape.height / side);
  const columns = Math.floor(shape.width / side);
  const bands = bandTable(side);
  const empty = () => new Float64Array(rows * columns * bandCount);
  const sums: Record<Quantity, Float64Array> = {
    truth: empty(),
    passed: empty(),
    reproduced: empty(),
    truthNoise: empty(),
    reproducedNoise: empty(),
  };
  let draws = Number.POSITIVE_INFINITY;

  const addTile = (tile: number, images: readonly Spectrum[], references: readonly Spectrum[]): void => {
    const [r1, r2, mean] = references;
    if (r1 === undefined || r2 === undefined || mean === undefined) return;
    for (let at = 0; at < bands.length; at += 1) {
      const band = bands[at] ?? -1;
      if (band < 0) continue;
      const place = tile * bandCount + band;
      const into = (quantity: Quantity, value: number): void => {
        sums[quantity][place] = (sums[quantity][place] ?? 0) + value;
      };
      into("truth", crossPower(r1, r2, at));
      into("truthNoise", half(at, side) * quadrature(r1, r2, at));
      let sumRe = 0;
      let sumIm = 0;
      let power = 0;
      for (const { re, im } of images) {
        sumRe += re[at] ?? 0;
        sumIm += im[at] ?? 0;
        power += (re[at] ?? 0) ** 2 + (im[at] ?? 0) ** 2;
      }
      const turn =
        2 *
        Math.PI *
        (frequencyOf(Math.floor(at / side), side) * moved.y + frequencyOf(at % side, side) * moved.x);
      const backRe = sumRe * Math.cos(turn) - sumIm * Math.sin(turn);
      const backIm = sumRe * Math.sin(turn) + sumIm * Math.cos(turn);
      into("passed", (backRe * (mean.re[at] ?? 0) + backIm * (mean.im[at] ?? 0)) / images.length);
      if (images.length > 1) {
        // Σ over pairs of Re X_i X_j* is half of what the square of the sum has more than the squares.
        const [first, second] = images;
        if (first !== undefined && second !== undefined) {
          into("reproducedNoise", half(at, side) * quadrature(first, second, at));
        }
        into("reproduced", (sumRe * sumRe + sumIm * sumIm - power) / (images.length * (images.length - 1)));
      }
    }
  };

  return {
    /** The next plane: one image per draw. */
    add(images: readonly Float32Array[], { halves, mean }: NoisyReferences): void {
      if (halves === undefined) return;
      draws = Math.min(draws, images.length);
      for (let tile = 0; tile < rows * columns; tile += 1) {
        const start = Math.floor(tile / columns) * side * shape.width + (tile % columns) * side;
        const spectrum = (plane: Float32Array) => windowedSpectrum(plane, side, side, start, shape.width);
        addTile(tile, images.map(spectrum), [...halves, mean].map(spectrum));
      }
    },
    bands: (random: Random): readonly DetailBand[] => bandsOf(sums, rows * columns, draws > 1, random),
  };
}

function bandsOf(
  sums: Record<Quantity, Float64Array>,
  tiles: number,
  paired: boolean,
  random: Random,
): DetailBand[] {
  const sumOf = (quantity: Quantity, band: number, picks: ArrayLike<number>): number => {
    let sum = 0;
    for (let pick = 0; pick < picks.length; pick += 1)
      sum += sums[quantity][(picks[pick] ?? 0) * bandCount + band] ?? 0;
    return sum;
  };
  const noiseOf = (quantity: Quantity, band: number): number => {
    let squares = 0;
    for (let tile = 0; tile < tiles; tile += 1)
      squares += (sums[quantity][tile * bandCount + band] ?? 0) ** 2;
    // The sum runs over half of the plane, the other half being its mirror: the real part adds up twice as far.
    return 2 * Math.sqrt(squares);
  };
  const all = Uint32Array.from({ length: tiles }, (_, tile) => tile);
  const resamples = Array.from({ length: replicates }, () => all.map(() => Math.floor(random() * tiles)));
  const weightBy = paired ? "reproduced" : "truth";
  const weights = bandEdges.slice(1).map((_, band) => Math.max(0, sumOf(weightBy, band, all)));
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0);

  return weights.map((weight, band) => {
    const gainOf = (picks: ArrayLike<number>) => sumOf("passed", band, picks) / sumOf("truth", band, picks);
    const addedOf = (picks: ArrayLike<number>) => {
      const reproduced = sumOf("reproduced", band, picks);
      return 1 - sumOf("passed", band, picks) ** 2 / (sumOf("truth", band, picks) * reproduced);
    };
    const accountedOf = (picks: ArrayLike<number>) =>
      sumOf("passed", band, picks) / sumOf("reproduced", band, picks);
    const hidden = Math.max(0, sumOf("truth", band, all)) + detectable * noiseOf("truthNoise", band);
    const unexplainedOf = (picks: ArrayLike<number>) =>
      1 - (hidden * picks.length) / (tiles * sumOf("reproduced", band, picks));
    const shows = sumOf("truth", band, all) > detectable * noiseOf("truthNoise", band);
    const reproduces =
      paired && sumOf("reproduced", band, all) > detectable * noiseOf("reproducedNoise", band);
    return {
      from: bandEdges[band] ?? 0,
      to: bandEdges[band + 1] ?? 0.5,
      weight: weightSum > 0 ? weight / weightSum : 0,
      ...(shows ? { gain: interval(gainOf, all, resamples) } : {}),
      ...(reproduces && (shows || unexplainedOf(all) > 0)
        ? { added: interval(shows ? addedOf : unexplainedOf, all, resamples) }
        : {}),
      ...(reproduces && shows ? { accountedFor: interval(accountedOf, all, resamples) } : {}),
    };
  });
}

function interval(
  of: (picks: ArrayLike<number>) => number,
  all: ArrayLike<number>,
  resamples: readonly ArrayLike<number>[],
): Estimate {
  const values = Float64Array.from(resamples, of).sort();
  return { value: of(all), low: quantile(values, 0.025), high: quantile(values, 0.975) };
}

function crossPower(a: Spectrum, b: Spectrum, at: number): number {
  return (a.re[at] ?? 0) * (b.re[at] ?? 0) + (a.im[at] ?? 0) * (b.im[at] ?? 0);
}

/** The band of each place of a square spectrum; -1 for none. */
function bandTable(side: number): Int8Array {
  return Int8Array.from({ length: side * side }, (_, at) => {
    const frequency = Math.hypot(frequencyOf(Math.floor(at / side), side), frequencyOf(at % side, side));
    return bandEdges.findIndex((from, band) => from <= frequency && frequency < (bandEdges[band + 1] ?? 0));
  });
}

/** Imaginary part of `A B*`. */
function quadrature(a: Spectrum, b: Spectrum, at: number): number {
  return (a.im[at] ?? 0) * (b.re[at] ?? 0) - (a.re[at] ?? 0) * (b.im[at] ?? 0);
}

/** 1 on one half of the spectrum of a real image and 0 on its mirror, where the imaginary part has the other sign. */
function half(at: number, side: number): 0 | 1 {
  const row = Math.floor(at / side);
  const column = at % side;
  return row < side / 2 && (row > 0 || column < side / 2) ? 1 : 0;
}
