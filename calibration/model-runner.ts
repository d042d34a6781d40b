import type { Repeats } from "./experiment/repeats.ts";
import type { DenoisedStack } from "./measure/measure-level.ts";

/** What a report must say of the model. */
export interface ReportedModel {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  /** `preserved`, `affine` or `uncalibrated`. */
  readonly intensity: string;
}

/** A model as a calibration uses it: the mean of some repeats in, a stack out. */
export interface ModelRunner {
  readonly facts: ReportedModel;
  /** The provider that ran; known after the first stack. */
  readonly provider: () => string;
  /** Denoises the mean of `draw`. `onProgress` is told the share done, 0 to 1. */
  readonly denoise: (
    repeats: Repeats,
    draw: readonly number[],
    options: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (share: number) => void },
  ) => Promise<DenoisedStack>;
}
