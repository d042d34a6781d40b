/** Noise of an acquisition, estimated from itself: no repeats, no model. */
export interface NoiseEstimate {
  /** Standard deviation of the noise, in grey values: the median over bins of intensity. NaN without samples. */
  readonly noise: number;
  /**
   * Noise over the range of the signal, from which the noise's own share is taken: what tells an acquisition with less
   * light from one with more. Not finite without signal.
   */
  readonly noiseToSignal: number;
  /**
   * How far the brightest thousandth of local means (of 3 x 3 samples) lies above their median, in standard deviations
   * that such a mean has by noise alone. Absent where there are too few places to tell.
   */
  readonly contrast?: number;
}

/** The mask's response to white noise of σ = 1 (Immerkær 1996, "Fast noise variance estimation"). */
const maskGain = 6;

/** |response| of Gaussian noise has this median, in σ. */
const gaussianMedian = 0.6745;

/** Places looked at in each plane, spread evenly, and in all: what follows after that is not needed. */
const placesPerPlane = 1 << 13;
const mostPlaces = 1 << 20;
const intensityBins = 8;

/** The signal reaches from this share of the local means to that one. */
const signalFrom = 0.05;
const signalTo = 0.99;
/** So far apart are these two quantiles of means of nine samples of nothing but noise of σ = 1. */
const noiseRange = (1.6449 + 2.3263) / 3;
/** A range whose square noise explains but for this part is no signal. */
const leastSignal = 0.2;

/** The brightest part of a field, and the fewest places among which it can be told. */
const brightest = 0.999;
const fewestPlaces = 1000;
/** Samples in a local mean, square root. */
const meanSide = 3;

/** A plane's lowest or highest value that so large a share of it has may be where the camera clips. */
const clippedShare = 0.01;

/**
 * The difference of two Laplacians, `[1 -2 1; -2 4 -2; 1 -2 1]`, is blind to constants, slopes and straight edges;
 * the median of its magnitude is blind to the few places with finer structure. Bins of intensity keep dark
 * background and bright cells, whose photon noise differs, apart. Places with clipped samples hide their noise: they
 * count for the signal only.
 */
export function noiseSums({ height, width }: { readonly height: number; readonly width: number }) {
  const allMeans: number[] = [];
  /** Of the places where nothing is clipped. */
  const means: number[] = [];
  const responses: number[] = [];
  const step = Math.max(1, Math.ceil(Math.sqrt(((height - 2) * (width - 2)) / placesPerPlane)));
  return {
    /** The next plane, `[Y, X]`. Planes are looked at, not kept. */
    add(plane: ArrayLike<number>): void {
      if (allMeans.length >= mostPlaces) return;
      const { low, high } = clippingOf(plane, { height, width }, step);
      for (let y = 1; y < height - 1; y += step) {
        for (let x = firstColumn(y, step); x < width - 1; x += step) {
          const at = y * width + x;
          const { mean, response, least, most } = neighbourhood(plane, at, width);
          if (!Number.isFinite(mean)) continue;
          allMeans.push(mean);
          if (least <= low || most >= high) continue;
          means.push(mean);
          responses.push(response);
        }
      }
    },
    estimate(): NoiseEstimate {
      const noise = noiseOf(means, responses);
      const sorted = Float64Array.from(allMeans).sort();
      const range = valueAt(sorted, signalTo) - valueAt(sorted, signalFrom);
      const left = range ** 2 - (noiseRange * noise) ** 2;
      const signal = left > leastSignal * range ** 2 ? Math.sqrt(left) : 0;
      const contrast = (meanSide * (valueAt(sorted, brightest) - valueAt(sorted, 0.5))) / noise;
      return {
        noise,
        noiseToSignal: noise / signal,
        ...(sorted.length < fewestPlaces || Number.isNaN(contrast) ? {} : { contrast }),
      };
    },
  };
}

/** Places of neighbouring rows do not stand below each other: a camera's columns differ. */
function firstColumn(y: number, step: number): number {
  return 1 + ((((y - 1) / step) * 7) % step);
}

function neighbourhood(plane: ArrayLike<number>, at: number, width: number) {
  let [corners, sides] = [0, 0];
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let dy = -1; dy <= 1; dy += 1) {
    for (let dx = -1; dx <= 1; dx += 1) {
      const value = plane[at + dy * width + dx] ?? 0;
      if (dy !== 0 && dx !== 0) corners += value;
      else if (dy !== 0 || dx !== 0) sides += value;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  }
  const middle = plane[at] ?? 0;
  return {
    mean: (corners + sides + middle) / 9,
    response: Math.abs(corners - 2 * sides + 4 * middle),
    least,
    most,
  };
}

/**
 * The values at which a plane is clipped; infinite where it is not. Noise makes the outermost value rarer than the
 * one before it; clipping heaps up there what lies beyond.
 */
function clippingOf(
  plane: ArrayLike<number>,
  { height, width }: { readonly height: number; readonly width: number },
  step: number,
): { low: number; high: number } {
  const values: number[] = [];
  for (let y = 1; y < height - 1; y += step) {
    for (let x = firstColumn(y, step); x < width - 1; x += step) values.push(plane[y * width + x] ?? 0);
  }
  const upwards = Float64Array.from(values).sort();
  const downwards = Float64Array.from(upwards).reverse();
  return {
    low: heapedUp(upwards) ?? Number.NEGATIVE_INFINITY,
    high: heapedUp(downwards) ?? Number.POSITIVE_INFINITY,
  };
}

function heapedUp(sorted: Float64Array): number | undefined {
  const first = sorted[0];
  const count = sorted.findIndex((value) => value !== first);
  if (first === undefined || count < 0 || count < clippedShare * sorted.length) return undefined;
  const second = sorted[count];
  const rest = sorted.subarray(count);
  const secondCount = rest.findIndex((value) => value !== second);
  return secondCount >= 0 && count > secondCount ? first : undefined;
}

function noiseOf(means: readonly number[], responses: readonly number[]): number {
  const order = Uint32Array.from(means.keys()).sort((a, b) => (means[a] ?? 0) - (means[b] ?? 0));
  const sigmas = Array.from({ length: intensityBins }, (_, bin) => {
    const from = Math.floor((bin * order.length) / intensityBins);
    const to = Math.floor(((bin + 1) * order.length) / intensityBins);
    return groupedMedian(Float64Array.from(order.subarray(from, to), (index) => responses[index] ?? 0));
  });
  const sorted = Float64Array.from(sigmas.filter((sigma) => Number.isFinite(sigma))).sort();
  return (valueAt(sorted, 0.25) + valueAt(sorted, 0.75)) / 2 / (maskGain * gaussianMedian);
}

/**
 * The median of grouped data: equal values stand for an interval that reaches half-way to the neighbouring values.
 * Whole grey values of little noise have few different responses; a plain median would jump between them.
 */
function groupedMedian(responses: Float64Array): number {
  const sorted = responses.sort();
  const value = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const below = sorted.findIndex((other) => other >= value);
  const equal = sorted.subarray(below).findIndex((other) => other > value);
  const count = equal < 0 ? sorted.length - below : equal;
  const from = ((sorted[below - 1] ?? value) + value) / 2;
  const to = ((sorted[below + count] ?? value) + value) / 2;
  return from + ((sorted.length / 2 - below) / count) * (to - from);
}

/** NaN of nothing. */
function valueAt(sorted: Float64Array, share: number): number {
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}
