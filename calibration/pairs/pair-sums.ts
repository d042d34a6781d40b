import type { Samples } from "../../core/acquisition.ts";
import { agreementSums } from "../metrics/agreement.ts";
import { psnrOf } from "../metrics/mean-squared-error.ts";

/** What one pair says of a model; each image is brought onto the clean one by a least-squares gain and offset first. */
export interface PairMeasure {
  readonly name: string;
  /** Of the noisy with the clean image, -1 to 1; NaN where one of them is constant. */
  readonly correlation: number;
  /** PSNR against the clean image, its own range as data range, in dB. */
  readonly noisyPsnrDb: number;
  readonly denoisedPsnrDb: number;
  /** `gain · denoised + offset` has the noisy image's units: its mean, and the clean image's structure at its height. */
  readonly gain: number;
  readonly offset: number;
  /** What `denoised` as it is lies off the noisy image's mean, as a share of the clean image's range in its units. */
  readonly shift: number;
  /** Noise of the noisy image over its signal. */
  readonly noiseToSignal: number;
}

/** Streaming: sums only. */
export function pairSums() {
  const ofNoisy = agreementSums();
  const ofDenoised = agreementSums();
  return {
    /** The next plane of all three, of equal length; in any units. */
    add(noisy: Samples, clean: Samples, denoised: Samples): void {
      const [n, c, d] = allFinite(noisy, clean, denoised);
      ofNoisy.add(n, c);
      ofDenoised.add(d, c);
    },
    measure(): Omit<PairMeasure, "name" | "noiseToSignal"> {
      const noisy = ofNoisy.measure();
      const denoised = ofDenoised.measure();
      const range = noisy.referenceRange;
      const gain = noisy.pixelSlope / denoised.pixelSlope;
      return {
        correlation: noisy.correlation,
        noisyPsnrDb: psnrOf(noisy.fittedMeanSquaredError, range),
        denoisedPsnrDb: psnrOf(denoised.fittedMeanSquaredError, range),
        gain,
        offset: noisy.imageMean - gain * denoised.imageMean,
        shift: (denoised.imageMean - noisy.imageMean) / (noisy.pixelSlope * range),
      };
    },
  };
}

/** A pixel that is not finite in one of the three says nothing of the others, and is left out of all. */
function allFinite(...planes: readonly [Samples, Samples, Samples]): readonly [Samples, Samples, Samples] {
  const [noisy, clean, denoised] = planes;
  const places: number[] = [];
  for (let at = 0; at < clean.length; at += 1) {
    if (planes.every((plane) => Number.isFinite(plane[at]))) places.push(at);
  }
  if (places.length === clean.length) return planes;
  const kept = (plane: Samples) => Float64Array.from(places, (at) => plane[at] ?? Number.NaN);
  return [kept(noisy), kept(clean), kept(denoised)];
}
