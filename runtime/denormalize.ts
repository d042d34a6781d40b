import { type Samples, type SampleType, sampleTypes } from "../core/acquisition.ts";
import type { Intensity } from "../core/package-settings.ts";
import type { IntensityMap } from "./normalize.ts";

/** `sample = gain · output + offset`. */
export interface OutputMap {
  readonly gain: number;
  readonly offset: number;
}

/** The inverse of the stack's map, followed by the model's own affine map where it has one. */
export function outputMapOf({ low, range }: IntensityMap, intensity: Intensity): OutputMap {
  if (intensity.meaning !== "affine") return { gain: range, offset: low };
  return { gain: intensity.gain * range, offset: intensity.gain * low + intensity.offset };
}

/**
 * Writes network output `[Y, X]` as samples. Integers are rounded half to even and clipped to the type's bounds;
 * floats are neither, so that negative values stay. Returns how many voxels were clipped (NaN, which no finite
 * input should give, becomes 0 in integers and is counted).
 */
export function denormalizePlane(
  values: Float32Array,
  map: OutputMap,
  sampleType: SampleType,
  into: Samples,
): number {
  const { gain, offset } = map;
  const { integer, min, max } = sampleTypes[sampleType];
  if (!integer) {
    for (let i = 0; i < values.length; i += 1) into[i] = (values[i] as number) * gain + offset;
    return 0;
  }
  let clipped = 0;
  for (let i = 0; i < values.length; i += 1) {
    const rounded = roundHalfToEven((values[i] as number) * gain + offset);
    if (rounded >= min && rounded <= max) into[i] = rounded;
    else {
      clipped += 1;
      into[i] = rounded > max ? max : rounded < min ? min : 0;
    }
  }
  return clipped;
}

/** 1.5 · 2^52: the neighbouring doubles are 1 apart, also for somewhat smaller and larger sums. */
const unitSpacing = 6_755_399_441_055_744;

/**
 * Rounds to an integer, half to even, as numpy.rint: the addition itself rounds so (IEEE 754 roundTiesToEven). Exact
 * below 2^51; what is larger is beyond all sample types and stays large.
 */
export function roundHalfToEven(value: number): number {
  return value + unitSpacing - unitSpacing;
}
