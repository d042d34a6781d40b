import type { Samples } from "../../core/acquisition.ts";
import { frequencyOf, type Spectrum, windowedSpectrum } from "./fourier-transform.ts";
import type { PlaneShape } from "./local-moments.ts";
import { refuseUnequal } from "./mean-squared-error.ts";

/** Correlation of two images by spatial frequency (Saxton and Baumeister 1982). */
export interface CorrelationCurve {
  /** Middle of each ring, in cycles per pixel (of X), from 0 to 0.5. */
  readonly frequencies: readonly number[];
  /** -1 to 1; 0 where there is no power. */
  readonly correlations: readonly number[];
}

export interface RingCorrelation {
  /** The next plane of both stacks, `[Y, X]`; the rings of all planes are summed before dividing. */
  readonly add: (image: Samples, reference: Samples) => void;
  readonly curve: () => CorrelationCurve;
}

/**
 * Fourier ring correlation `Re Σ F1 F2* / √(Σ|F1|² Σ|F2|²)` over rings one cycle per field wide. The images must be
 * independent in their noise, else noise is taken for detail.
 */
export function ringCorrelation(shape: PlaneShape): RingCorrelation {
  const side = Math.min(shape.height, shape.width);
  const sums = emptySums(Math.floor(side / 2) + 1);
  return {
    add(image, reference) {
      refuseUnequal(image, reference);
      addRings(
        sums,
        windowedSpectrum(image, shape.height, shape.width),
        windowedSpectrum(reference, shape.height, shape.width),
        side,
      );
    },
    curve: () => curveOf(sums, side),
  };
}

/**
 * The finest detail that both images share, in pixels per cycle: where the curve first stays below `threshold`
 * (1/7: Rosenthal and Henderson 2003; used for FRC by Nieuwenhuizen et al. 2013) for two rings, interpolated.
 * `undefined` where it never does: then the detail is at the limit of the sampling, 2 pixels.
 */
export function resolutionPixels(curve: CorrelationCurve, threshold = 1 / 7): number | undefined {
  const { frequencies, correlations } = curve;
  for (let ring = 1; ring < correlations.length; ring += 1) {
    const here = correlations[ring] ?? 0;
    const next = correlations[ring + 1] ?? 0;
    if (here >= threshold || next >= threshold) continue;
    const before = ring === 1 ? 1 : (correlations[ring - 1] ?? 0);
    const from = frequencies[ring - 1] ?? 0;
    const to = frequencies[ring] ?? 0;
    const share = Math.min(1, Math.max(0, (before - threshold) / (before - here)));
    return 1 / (from + share * (to - from));
  }
  return undefined;
}

interface RingSums {
  readonly cross: Float64Array;
  readonly power: Float64Array;
  readonly referencePower: Float64Array;
}

function emptySums(rings: number): RingSums {
  return {
    cross: new Float64Array(rings),
    power: new Float64Array(rings),
    referencePower: new Float64Array(rings),
  };
}

function addRings(sums: RingSums, image: Spectrum, reference: Spectrum, side: number): void {
  const { height, width } = image;
  for (let row = 0; row < height; row += 1) {
    const fy = frequencyOf(row, height);
    for (let column = 0; column < width; column += 1) {
      const fx = frequencyOf(column, width);
      const ring = Math.round(Math.sqrt(fx * fx + fy * fy) * side);
      if (ring >= sums.cross.length) continue;
      const at = row * width + column;
      const re1 = image.re[at] ?? 0;
      const im1 = image.im[at] ?? 0;
      const re2 = reference.re[at] ?? 0;
      const im2 = reference.im[at] ?? 0;
      sums.cross[ring] = (sums.cross[ring] ?? 0) + re1 * re2 + im1 * im2;
      sums.power[ring] = (sums.power[ring] ?? 0) + re1 * re1 + im1 * im1;
      sums.referencePower[ring] = (sums.referencePower[ring] ?? 0) + re2 * re2 + im2 * im2;
    }
  }
}

function curveOf(sums: RingSums, side: number): CorrelationCurve {
  const rings = Array.from(sums.cross.keys());
  return {
    frequencies: rings.map((ring) => ring / side),
    correlations: rings.map((ring) => {
      const power = (sums.power[ring] ?? 0) * (sums.referencePower[ring] ?? 0);
      return power > 0 ? (sums.cross[ring] ?? 0) / Math.sqrt(power) : 0;
    }),
  };
}
