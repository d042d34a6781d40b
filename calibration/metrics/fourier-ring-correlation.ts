import type { Samples } from "../../core/acquisition.ts";
import { frequencyOf, windowedSpectrum } from "./fourier-transform.ts";
import type { PlaneShape } from "./local-moments.ts";
import { refuseUnequal } from "./mean-squared-error.ts";

/** Correlation of two images by spatial frequency (Saxton and Baumeister 1982). */
export interface CorrelationCurve {
  /** Middle of each ring, in cycles per pixel (of X), from 0 to 0.5. */
  readonly frequencies: readonly number[];
  /** -1 to 1; 0 where there is no power. */
  readonly correlations: readonly number[];
}

/**
 * Fourier ring correlation `Re Σ F1 F2* / √(Σ|F1|² Σ|F2|²)` over rings one cycle per field wide. The images must be
 * independent in their noise, else noise is taken for detail.
 */
export function ringCorrelation({ height, width }: PlaneShape) {
  const side = Math.min(height, width);
  const rings = Math.floor(side / 2) + 1;
  const cross = new Float64Array(rings);
  const power = new Float64Array(rings);
  const referencePower = new Float64Array(rings);
  return {
    /** The next plane of both stacks, `[Y, X]`; the rings of all planes are summed before dividing. */
    add(image: Samples, reference: Samples): void {
      refuseUnequal(image, reference);
      const one = windowedSpectrum(image, height, width);
      const other = windowedSpectrum(reference, height, width);
      for (let at = 0; at < one.re.length; at += 1) {
        const fy = frequencyOf(Math.floor(at / one.width), one.height);
        const fx = frequencyOf(at % one.width, one.width);
        const ring = Math.round(Math.sqrt(fx * fx + fy * fy) * side);
        if (ring >= rings) continue;
        const [re1, im1] = [one.re[at] ?? 0, one.im[at] ?? 0];
        const [re2, im2] = [other.re[at] ?? 0, other.im[at] ?? 0];
        cross[ring] = (cross[ring] ?? 0) + re1 * re2 + im1 * im2;
        power[ring] = (power[ring] ?? 0) + re1 * re1 + im1 * im1;
        referencePower[ring] = (referencePower[ring] ?? 0) + re2 * re2 + im2 * im2;
      }
    },
    curve: (): CorrelationCurve => ({
      frequencies: Array.from(cross.keys(), (ring) => ring / side),
      correlations: Array.from(cross, (sum, ring) => {
        const powers = (power[ring] ?? 0) * (referencePower[ring] ?? 0);
        return powers > 0 ? sum / Math.sqrt(powers) : 0;
      }),
    }),
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
