import type { Samples } from "../../core/acquisition.ts";
import { refuseUnequal } from "./mean-squared-error.ts";

/**
 * How an image agrees with a reference that is taken for the truth, whose noise counts as error: `compare`, and
 * `export --pairs`. (`calibrate` judges against a truth that nobody has seen: `unbiased-error.ts`.) Sums over all
 * pixels of all planes added; in the units of the two.
 */
export interface Agreement {
  /** As is: nothing is fitted. */
  readonly meanSquaredError: number;
  /** What is left of it for `fitGain · image + fitOffset`; NaN where the reference is the same everywhere. */
  readonly fittedMeanSquaredError: number;
  /** The gain and offset that bring the image nearest to the reference (least squares). */
  readonly fitGain: number;
  readonly fitOffset: number;
  /** `image = pixelSlope · reference + …`, least squares. Noise of the reference lowers it. */
  readonly pixelSlope: number;
  /** -1 to 1; NaN where one of the two is the same everywhere. */
  readonly correlation: number;
  readonly imageMean: number;
  /** The largest less the smallest value of the reference. */
  readonly referenceRange: number;
}

/** What is left after the fit is a difference of two sums: below this share of the variance it is their rounding. */
const rounding = 1e-12;

export function agreementSums() {
  let [count, squaredError] = [0, 0];
  // About the first pixel, so that little is lost to a large offset.
  let [imageFrom, referenceFrom] = [0, 0];
  let [image, reference, imageSquares, referenceSquares, products] = [0, 0, 0, 0, 0];
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return {
    /** The next plane of both, of equal length. */
    add(plane: Samples, truth: Samples): void {
      refuseUnequal(plane, truth);
      if (count === 0) [imageFrom, referenceFrom] = [plane[0] ?? 0, truth[0] ?? 0];
      for (let at = 0; at < plane.length; at += 1) {
        const a = plane[at] ?? 0;
        const b = truth[at] ?? 0;
        const [x, y] = [a - imageFrom, b - referenceFrom];
        squaredError += (a - b) * (a - b);
        image += x;
        reference += y;
        imageSquares += x * x;
        referenceSquares += y * y;
        products += x * y;
        if (b < least) least = b;
        if (b > most) most = b;
      }
      count += plane.length;
    },
    measure(): Agreement {
      const [x, y] = [image / count, reference / count];
      const imageVariance = imageSquares / count - x * x;
      const referenceVariance = referenceSquares / count - y * y;
      const covariance = products / count - x * y;
      const fitGain = imageVariance > 0 ? covariance / imageVariance : 0;
      const left = referenceVariance - fitGain * covariance;
      const range = most - least;
      return {
        meanSquaredError: squaredError / count,
        fittedMeanSquaredError: range > 0 ? (left > rounding * referenceVariance ? left : 0) : Number.NaN,
        fitGain,
        fitOffset: y + referenceFrom - fitGain * (x + imageFrom),
        pixelSlope: covariance / referenceVariance,
        correlation: covariance / Math.sqrt(imageVariance * referenceVariance),
        imageMean: x + imageFrom,
        referenceRange: range,
      };
    },
  };
}
