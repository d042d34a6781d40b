import { type Samples, sampleTypes } from "../../core/acquisition.ts";
import { roundHalfToEven } from "../../core/round.ts";
import { poisson } from "./poisson.ts";
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
