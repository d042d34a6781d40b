import { type Samples, type SampleType, sampleTypes } from "../../core/acquisition.ts";
import type { IntensityMap } from "../../core/intensity-map.ts";
import type { Intensity } from "../../core/package-settings.ts";
import { quantize } from "../kernels/voxels.ts";

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
  const { integer, min, max } = sampleTypes[sampleType];
  if (integer) return quantize(values, { ...map, min, max }, into);
  const { gain, offset } = map;
  for (let i = 0; i < values.length; i += 1) into[i] = (values[i] as number) * gain + offset;
  return 0;
}
