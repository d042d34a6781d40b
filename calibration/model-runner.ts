import type { Repeats } from "./experiment/repeats.ts";
import type { DenoisedStack } from "./measure/measure-level.ts";
import type { Calibration } from "./result/result.ts";

/** A model as a calibration uses it: the mean of some repeats in, a stack out. */
export interface ModelRunner {
  /** What a report says of it; `intensity` is `preserved`, `affine` or `uncalibrated`. */
  readonly facts: Calibration["model"];
  /** The provider that ran; known after the first stack. */
  readonly provider: () => string;
  /** Denoises the mean of `draw`. `onProgress` is told the share done, 0 to 1. */
  readonly denoise: (
    repeats: Repeats,
    draw: readonly number[],
    options: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (share: number) => void },
  ) => Promise<DenoisedStack>;
}
