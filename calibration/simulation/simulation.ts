import type { Sizes } from "../../core/acquisition.ts";
import type { PlaneSource } from "../../formats/plane/plane-source.ts";
import type { Camera, CameraSampleType } from "./camera.ts";
import type { Repeat } from "./repeat.ts";
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
