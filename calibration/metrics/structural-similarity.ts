import type { Samples } from "../../core/acquisition.ts";
import { usageError } from "../../core/errors.ts";
import {
  type LocalMoments,
  localMomentsOf,
  type PlaneShape,
  sumOverDepth,
  type Window,
} from "./local-moments.ts";
import { refuseUnequal } from "./mean-squared-error.ts";

/** One definition of SSIM, with variances divided by n; all use K1 = 0.01 and K2 = 0.03 of the data range (Wang et al. 2004, section III-B). */
export interface SsimDefinition {
  readonly window: Window;
  /** 2: each plane by itself, then the mean over planes. 3: the window also spans depth. */
  readonly dimensions: 2 | 3;
}

/** The CNNT code's window (`pytorch_ssim.py`, as its losses call it): 7 wide, zeros beyond the border. */
const publishedWindow: Window = { weights: gaussianWeights(7), border: "zero" };

/** scikit-image with `gaussian_weights=True` (Wang et al. 2004): cut at 3.5 σ, so 11 wide. */
const wangWindow: Window = { weights: gaussianWeights(11), border: "crop" };

export const ssimDefinitions = {
  /** `SSIM` of the CNNT code as its losses and metrics call it. */
  published: { window: publishedWindow, dimensions: 2 },
  /** `SSIM3D` of the CNNT code: 7 x 7 x 7. */
  published3d: { window: publishedWindow, dimensions: 3 },
  /** `skimage.metrics.structural_similarity(…, gaussian_weights=True, use_sample_covariance=False)`. */
  scikitImage: { window: wangWindow, dimensions: 2 },
} satisfies Record<string, SsimDefinition>;

/** `exp(-d² / 2σ²)` with σ = 1.5, normalized. */
function gaussianWeights(length: number): Float64Array {
  const middle = (length - 1) / 2;
  const weights = Float64Array.from({ length }, (_, at) => Math.exp(-((at - middle) ** 2) / (2 * 1.5 ** 2)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

const luminance = 0.01 ** 2;
const contrast = 0.03 ** 2;

/**
 * SSIM of two stacks given plane by plane; holds as many planes as the window is deep. Intensities are divided by
 * `dataRange`, so that the published definition (whose images lie between 0 and 1) and scikit-image's agree.
 *
 * Throws `usageError` (`ssim-too-small`) where the window does not fit into the stack.
 */
export function ssimStream(definition: SsimDefinition, shape: PlaneShape, dataRange: number) {
  const { window, dimensions } = definition;
  const { weights, border } = window;
  const length = weights.length;
  if (border === "crop" && Math.min(shape.height, shape.width) < length)
    throw tooSmall(length, shape.height, shape.width);
  const positions =
    border === "zero" ? shape : { height: shape.height - length + 1, width: shape.width - length + 1 };
  const depthPad = dimensions === 3 && border === "zero" ? (length - 1) / 2 : 0;
  const inDepth: LocalMoments[] = [];
  let origin: number | undefined;
  let planes = 0;
  let sum = 0;
  let count = 0;

  const push = (moments: LocalMoments, offset: number): void => {
    if (dimensions === 2) {
      addSimilarities(moments, offset);
      return;
    }
    inDepth.push(moments);
    if (inDepth.length < length) return;
    addSimilarities(sumOverDepth(inDepth, weights), offset);
    inDepth.shift();
  };

  const addSimilarities = (moments: LocalMoments, offset: number): void => {
    for (let at = 0; at < moments.x.length; at += 1) {
      const movedX = moments.x[at] ?? 0;
      const movedY = moments.y[at] ?? 0;
      const x = movedX + offset;
      const y = movedY + offset;
      const varianceX = (moments.xx[at] ?? 0) - movedX * movedX;
      const varianceY = (moments.yy[at] ?? 0) - movedY * movedY;
      const covariance = (moments.xy[at] ?? 0) - movedX * movedY;
      sum +=
        ((2 * x * y + luminance) * (2 * covariance + contrast)) /
        ((x * x + y * y + luminance) * (varianceX + varianceY + contrast));
    }
    count += moments.x.length;
  };

  /** Planes of zeros, which lie at `-offset`. */
  const pushBeyondDepth = (offset: number): void => {
    const filled = (value: number) => new Float64Array(positions.height * positions.width).fill(value);
    for (let plane = 0; plane < depthPad; plane += 1) {
      const [x, xx] = [filled(-offset), filled(offset * offset)];
      push({ x, y: x, xx, yy: xx, xy: xx }, offset);
    }
  };

  return {
    /** The next plane of both stacks, `[Y, X]`. */
    add(image: Samples, reference: Samples): void {
      refuseUnequal(image, reference);
      // Variances do not depend on the origin, but x² - x̄² loses digits when the image sits on a large offset.
      const first = origin === undefined;
      origin ??= meanOf(reference) / dataRange;
      const offset = origin;
      if (first) pushBeyondDepth(offset);
      const moved = (samples: Samples) =>
        Float64Array.from({ length: samples.length }, (_, at) => (samples[at] ?? 0) / dataRange - offset);
      push(localMomentsOf(moved(image), moved(reference), shape, window, -offset), offset);
      planes += 1;
    },
    /** Mean SSIM of all planes added; ends the stream. */
    finish(): number {
      if (origin !== undefined) pushBeyondDepth(origin);
      if (count === 0) throw tooSmall(length, planes, shape.height);
      return sum / count;
    },
  };
}

function meanOf(samples: Samples): number {
  let sum = 0;
  for (let at = 0; at < samples.length; at += 1) sum += samples[at] ?? 0;
  return sum / samples.length;
}

function tooSmall(length: number, ...found: readonly number[]) {
  return usageError("the image is smaller than the window of SSIM", {
    code: "ssim-too-small",
    found: found.join(" x "),
    allowed: `at least ${length} on each axis`,
    remedy: "Use a larger field, or the published definition, which pads with zeros",
  });
}
