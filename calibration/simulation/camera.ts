import { type Samples, sampleTypes } from "../../core/acquisition.ts";
import { roundHalfToEven } from "../../core/round.ts";
import { normalOf, type Random } from "./random.ts";

/** A detector: photons in, grey values out. */
export interface Camera {
  /** Grey values per photon. */
  readonly gain: number;
  /** Grey value without light. */
  readonly offset: number;
  /** Standard deviation of the reading, in photons. */
  readonly readNoise: number;
}

export type CameraSampleType = "uint8" | "uint16" | "float32";

/**
 * Takes one picture: Poisson photons about the expected ones (`[Y, X]`), read noise, gain, offset; integers are
 * rounded half to even and clipped. Writes to `samples`, `[Y, X]`.
 */
export function takePicture(
  expectedPhotons: Float32Array,
  camera: Camera,
  sampleType: CameraSampleType,
  random: Random,
  samples: Samples,
): void {
  const { integer, min, max } = sampleTypes[sampleType];
  const normal = normalOf(random);
  const { gain, offset, readNoise } = camera;
  for (let index = 0; index < expectedPhotons.length; index += 1) {
    const photons = poisson(expectedPhotons[index] ?? 0, random);
    const value = offset + gain * (readNoise > 0 ? photons + readNoise * normal() : photons);
    samples[index] = integer ? Math.min(max, Math.max(min, roundHalfToEven(value))) : value;
  }
}

/** What the camera would give on average: the truth that a denoised picture is held against. */
export function withoutNoise(expectedPhotons: Float32Array, camera: Camera, values: Samples): void {
  for (let index = 0; index < expectedPhotons.length; index += 1) {
    values[index] = camera.offset + camera.gain * (expectedPhotons[index] ?? 0);
  }
}

/** From this mean on, rejection is quicker than adding up probabilities, and its constants hold. */
const rejectionFrom = 10;

/** A Poisson number with the given mean (≥ 0), exact in distribution. */
export function poisson(mean: number, random: Random): number {
  return mean < rejectionFrom ? byInversion(mean, random) : byRejection(mean, random);
}

/** Adds up the probabilities of 0, 1, 2, … until they pass a uniform number. */
function byInversion(mean: number, random: Random): number {
  let probability = Math.exp(-mean);
  // 32 random bits are too coarse for the tail: 2^-32 more of them.
  let left = random() + random() / 2 ** 32 - probability;
  let count = 0;
  while (left >= 0 && probability > 0) {
    count += 1;
    probability *= mean / count;
    left -= probability;
  }
  return count;
}

/**
 * Algorithm PTRS: transformed rejection with squeeze (Hörmann 1993, "The transformed rejection method for
 * generating Poisson random variables", Insurance: Mathematics and Economics 12).
 */
function byRejection(mean: number, random: Random): number {
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const squeeze = 0.9277 - 3.6224 / (b - 2);
  const logMean = Math.log(mean);
  for (;;) {
    const u = random() - 0.5;
    const v = random();
    const us = 0.5 - Math.abs(u);
    if (us === 0) continue;
    const count = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= squeeze) return count;
    if (count < 0 || (us < 0.013 && v > us)) continue;
    const logAccepted = Math.log((v * inverseAlpha) / (a / (us * us) + b));
    if (logAccepted <= count * logMean - mean - logFactorial(count)) return count;
  }
}

const smallLogFactorials = Float64Array.from({ length: 16 }, (_, count) => {
  let sum = 0;
  for (let factor = 2; factor <= count; factor += 1) sum += Math.log(factor);
  return sum;
});

/** log(n!), by Stirling's series from 16 on (error below 1e-12 there). */
export function logFactorial(count: number): number {
  if (count < smallLogFactorials.length) return smallLogFactorials[count] ?? 0;
  const n = count + 1;
  const inverse = 1 / n;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return (n - 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + series;
}
