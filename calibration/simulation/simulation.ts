import { type Acquisition, plainAcquisition, type SampleType, type Sizes } from "../../core/acquisition.ts";
import type { PlaneSource } from "../../formats/plane/plane-source.ts";
import type { Camera, CameraSampleType } from "./camera.ts";
import { between, randomOf } from "./random.ts";
import type { SceneName } from "./structures.ts";

/** What a simulated acquisition shall show, and through which camera. */
export interface Simulation {
  readonly sizes: Sizes;
  /**
   * Absent: everything mixed in a single channel, or each channel a structure of its own. `ramp`: no light and no
   * noise, but as fast as memory.
   */
  readonly scene?: SceneName | "ramp";
  /** Expected photons per pixel at the bright end: the 99.9th percentile of the first time point, each channel. */
  readonly photons: number;
  readonly camera: Camera;
  readonly sampleType: CameraSampleType;
  readonly seed: number;
  /** Absent: the first of them. All repeats of a seed show one field. */
  readonly repeat?: Repeat;
}

export interface SimulatedPair {
  readonly noisy: PlaneSource;
  /** The expected grey values, float32: what a perfect denoiser would find. */
  readonly clean: PlaneSource;
}

/** One of several pictures of the same field. */
export interface Repeat {
  /** From 0; each has noise of its own. */
  readonly index: number;
  /** Share of the first repeat's light that is left. */
  readonly light: number;
  /** Where the field has moved since the first repeat, in pixels: down and to the right. */
  readonly driftY: number;
  readonly driftX: number;
}

interface RepeatPlan {
  /** Share of the light that is lost from each repeat to the next. */
  readonly bleaching: number;
  /** Pixels that the field moves from each repeat to the next. */
  readonly driftPx: number;
  /** Says in which direction it moves. */
  readonly seed: number;
}

/** Bleaching is exponential, drift a straight line at constant speed. */
export function repeatOf(index: number, { bleaching, driftPx, seed }: RepeatPlan): Repeat {
  const angle = between(randomOf(seed, 4), 0, 2 * Math.PI);
  return {
    index,
    light: (1 - bleaching) ** index,
    driftY: index * driftPx * Math.sin(angle),
    driftX: index * driftPx * Math.cos(angle),
  };
}

/** What a simulated file says of itself. */
export function simulatedAcquisition(
  { sizes, seed }: Simulation,
  sampleType: SampleType,
  channels: readonly string[],
): Acquisition {
  return {
    ...plainAcquisition({ file: "simulated", make: "OME-TIFF", sizes, sampleType }),
    name: `simulated, seed ${seed}`,
    pixelSize: {
      x: { value: 0.1, unit: "µm", um: 0.1 },
      y: { value: 0.1, unit: "µm", um: 0.1 },
      z: { value: 0.3, unit: "µm", um: 0.3 },
    },
    ...(sizes.t > 1 ? { timeIncrement: { value: 1, unit: "s", s: 1 } } : {}),
    channels: channels.map((name) => ({ name })),
  };
}
