import type { PlaneShape } from "./local-moments.ts";
import { median } from "./median.ts";

/** Noise of an acquisition, estimated from itself: no repeats, no model. */
export interface NoiseEstimate {
  /** Standard deviation of the noise, in grey values: the median over bins of intensity. */
  readonly noise: number;
  /** Range of the signal: 99th less 5th percentile of local means. */
  readonly signal: number;
  /** noise / signal: what tells an acquisition with less light from one with more. */
  readonly noiseToSignal: number;
  readonly pixels: number;
}

export interface NoiseSums {
  /** The next plane, `[Y, X]`. Planes are looked at, not kept. */
  readonly add: (plane: ArrayLike<number>) => void;
  readonly estimate: () => NoiseEstimate;
}

/** The mask's response to white noise of σ = 1 (Immerkær 1996, "Fast noise variance estimation"). */
const maskGain = 6;

/** |response| of Gaussian noise has this median, in σ. */
const gaussianMedian = 0.6745;

/** Places looked at in each plane, spread evenly, and in all: what follows after that is not needed. */
const placesPerPlane = 1 << 13;
const mostPlaces = 1 << 20;
const intensityBins = 8;

/**
 * The difference of two Laplacians, `[1 -2 1; -2 4 -2; 1 -2 1]`, is blind to constants, slopes and straight edges;
 * the median of its magnitude is blind to the few places with finer structure. Bins of intensity keep dark
 * background and bright cells, whose photon noise differs, apart.
 */
export function noiseSums(shape: PlaneShape): NoiseSums {
  const means: number[] = [];
  const responses: number[] = [];
  const { height, width } = shape;
  const step = Math.max(1, Math.ceil(((height - 2) * (width - 2)) / placesPerPlane));
  return {
    add(plane) {
      if (means.length >= mostPlaces) return;
      for (let place = 0; place < (height - 2) * (width - 2); place += step) {
        const at = (1 + Math.floor(place / (width - 2))) * width + 1 + (place % (width - 2));
        const value = (dy: number, dx: number) => plane[at + dy * width + dx] ?? 0;
        const corners = value(-1, -1) + value(-1, 1) + value(1, -1) + value(1, 1);
        const sides = value(-1, 0) + value(1, 0) + value(0, -1) + value(0, 1);
        means.push((corners + sides + value(0, 0)) / 9);
        responses.push(Math.abs(corners - 2 * sides + 4 * value(0, 0)));
      }
    },
    estimate() {
      const order = Uint32Array.from(means.keys()).sort((a, b) => (means[a] ?? 0) - (means[b] ?? 0));
      const perBin = Math.max(1, Math.floor(order.length / intensityBins));
      const sigmas = Array.from({ length: intensityBins }, (_, bin) =>
        median(
          Array.from(order.subarray(bin * perBin, (bin + 1) * perBin), (index) => responses[index] ?? 0),
        ),
      );
      const noise = median(sigmas.filter((sigma) => Number.isFinite(sigma))) / (maskGain * gaussianMedian);
      const meanAt = (share: number) => means[order[Math.floor(share * (order.length - 1))] ?? 0] ?? 0;
      const signal = meanAt(0.99) - meanAt(0.05);
      return { noise, signal, noiseToSignal: noise / signal, pixels: order.length };
    },
  };
}
