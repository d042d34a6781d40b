import { type Repeats, readAll } from "../experiment/repeats.ts";
import { quantile } from "../metrics/intervals.ts";
import { binOf, lineThrough } from "../metrics/linearity.ts";
import { noisyReferences } from "../metrics/noisy-references.ts";

/** What the repeats together show of the field, from planes spread over its depth. */
export interface FieldSurvey {
  /** 0.1st and 99.9th percentile of the mean of all repeats, smoothed over 3 x 3 pixels. */
  readonly low: number;
  readonly high: number;
  /** Edges of 16 bins of intensity with equal numbers of pixels. */
  readonly intensityEdges: readonly number[];
  /** The plane with most contrast: the one that the report shows. */
  readonly shownPlane: number;
  /**
   * Slope of the photon transfer curve, noise variance of one image against its intensity: grey values per photon, if noise
   * is photon noise. NaN for fewer than two images.
   */
  readonly gain: number;
}

const surveyedPlanes = 12;
const bins = 16;

/** At most this many pixels of each plane go into percentiles. */
const sampledPixels = 1 << 16;

export async function surveyField(repeats: Repeats, signal?: AbortSignal): Promise<FieldSurvey> {
  const planes = Math.min(surveyedPlanes, repeats.depth);
  const smooth: number[] = [];
  const intensities: number[] = [];
  const variances: number[] = [];
  let shownPlane = 0;
  let mostContrast = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < planes; index += 1) {
    const z = Math.floor(((index + 0.5) * repeats.depth) / planes);
    const images = await readAll(repeats, repeats.averages.keys(), z, signal);
    const { mean, variance } = noisyReferences(images);
    const smoothed = smoothed3x3(mean, repeats.height, repeats.width);
    const contrast = varianceOf(smoothed);
    if (contrast > mostContrast) {
      mostContrast = contrast;
      shownPlane = z;
    }
    const step = Math.max(1, Math.ceil(mean.length / sampledPixels));
    for (let at = 0; at < mean.length; at += step) {
      smooth.push(smoothed[at] ?? 0);
      intensities.push(mean[at] ?? 0);
      if (variance !== undefined) variances.push(variance[at] ?? 0);
    }
  }
  const sortedSmooth = Float64Array.from(smooth).sort();
  const sorted = Float64Array.from(intensities).sort();
  const photonTransfer = variances.length === 0 ? [] : transferCurve(smooth, variances, sortedSmooth);
  const line = lineThrough(
    photonTransfer.map(({ intensity }) => intensity),
    photonTransfer.map(({ variance }) => variance),
  );
  return {
    low: quantile(sortedSmooth, 0.001),
    high: quantile(sortedSmooth, 0.999),
    intensityEdges: edgesOf(sorted),
    shownPlane,
    gain: line.slope,
  };
}

function edgesOf(sorted: Float64Array): readonly number[] {
  const edges = Array.from({ length: bins - 1 }, (_, bin) => quantile(sorted, (bin + 1) / bins));
  return edges.filter((edge, index) => index === 0 || edge > (edges[index - 1] ?? 0));
}

function transferCurve(intensities: readonly number[], variances: readonly number[], sorted: Float64Array) {
  const edges = edgesOf(sorted);
  const sums = Array.from({ length: edges.length + 1 }, () => ({ intensity: 0, variance: 0, pixels: 0 }));
  intensities.forEach((intensity, at) => {
    const bin = sums[binOf(intensity, edges)];
    if (bin === undefined) return;
    bin.intensity += intensity;
    bin.variance += variances[at] ?? 0;
    bin.pixels += 1;
  });
  return sums
    .filter(({ pixels }) => pixels > 0)
    .map(({ intensity, variance, pixels }) => ({
      intensity: intensity / pixels,
      variance: variance / pixels,
    }));
}

function smoothed3x3(plane: Float32Array, height: number, width: number): Float32Array {
  return plane.map((_, at) => {
    const row = Math.floor(at / width);
    const column = at % width;
    let sum = 0;
    for (let dy = -1; dy <= 1; dy += 1) {
      const y = Math.min(height - 1, Math.max(0, row + dy));
      for (let dx = -1; dx <= 1; dx += 1) {
        sum += plane[y * width + Math.min(width - 1, Math.max(0, column + dx))] ?? 0;
      }
    }
    return sum / 9;
  });
}

function varianceOf(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}
