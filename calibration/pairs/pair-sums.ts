import type { Samples } from "../../core/acquisition.ts";
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

export interface PairSums {
  /** The next plane of all three, of equal length; in any units. */
  readonly add: (noisy: Samples, clean: Samples, denoised: Samples) => void;
  readonly measure: () => Omit<PairMeasure, "name" | "noiseToSignal">;
}

/** Sums about the first sample, so that little is lost to a large offset. */
interface Sums {
  first: number;
  sum: number;
  squares: number;
  withClean: number;
}

/** Streaming: sums only. */
export function pairSums(): PairSums {
  const noisySums = emptySums();
  const cleanSums = emptySums();
  const denoisedSums = emptySums();
  let count = 0;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return {
    add(noisy, clean, denoised) {
      for (let at = 0; at < clean.length; at += 1) {
        const [n, c, d] = [noisy[at] as number, clean[at] as number, denoised[at] as number];
        // What is not finite in one says nothing of the others.
        if (!Number.isFinite(n + c + d)) continue;
        if (count === 0) {
          noisySums.first = n;
          cleanSums.first = c;
          denoisedSums.first = d;
        }
        const cleanFrom = c - cleanSums.first;
        addTo(noisySums, n, cleanFrom);
        addTo(cleanSums, c, cleanFrom);
        addTo(denoisedSums, d, cleanFrom);
        least = Math.min(least, c);
        most = Math.max(most, c);
        count += 1;
      }
    },
    measure() {
      const noisy = momentsOf(noisySums, cleanSums, count);
      const clean = momentsOf(cleanSums, cleanSums, count);
      const denoised = momentsOf(denoisedSums, cleanSums, count);
      const range = most - least;
      const gain = noisy.withClean / denoised.withClean;
      const unit = (noisy.withClean / clean.variance) * range;
      return {
        correlation: noisy.withClean / Math.sqrt(noisy.variance * clean.variance),
        noisyPsnrDb: psnrOf(residual(noisy, clean), range),
        denoisedPsnrDb: psnrOf(residual(denoised, clean), range),
        gain,
        offset: noisy.mean - gain * denoised.mean,
        shift: (denoised.mean - noisy.mean) / unit,
      };
    },
  };
}

function emptySums(): Sums {
  return { first: 0, sum: 0, squares: 0, withClean: 0 };
}

function addTo(sums: Sums, value: number, cleanFrom: number): void {
  const from = value - sums.first;
  sums.sum += from;
  sums.squares += from * from;
  sums.withClean += from * cleanFrom;
}

function momentsOf(sums: Sums, clean: Sums, count: number) {
  const mean = sums.sum / count;
  return {
    mean: mean + sums.first,
    variance: sums.squares / count - mean * mean,
    withClean: sums.withClean / count - mean * (clean.sum / count),
  };
}

/** Mean squared error that is left after the least-squares gain and offset onto the clean image. */
function residual(
  image: { readonly variance: number; readonly withClean: number },
  clean: { readonly variance: number },
): number {
  const explained = image.variance > 0 ? image.withClean ** 2 / image.variance : 0;
  return Math.max(clean.variance - explained, 0);
}
