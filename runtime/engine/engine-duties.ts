import type { ErrorReport } from "../../core/errors.ts";
import type { DenoiseJob, DenoiseOutcome, Progress, WarmUpResult } from "../job/denoise-job.ts";
import type { ProviderName } from "../machine/providers.ts";
import type { DeadlineLimits } from "./tile-deadline.ts";

/** What the engine's process does for its host. */
export interface EngineDuties {
  /** Loads the models and measures. Refused where the engine cannot be had at all: no model, no provider. */
  readonly start: { readonly ask: EngineSettings; readonly answer: WarmUp };
  /** One at a time. A job that is given up removes what is half written and is refused as `interrupted`. */
  readonly denoise: {
    readonly ask: DenoiseJob;
    readonly answer: DenoiseOutcome;
    readonly event: JobEvent;
  };
  /** Gives the job up, lets the tile in the network end, and ends. */
  readonly stop: { readonly ask: undefined };
}

/** What the host does for its engine's process. */
export interface HostDuties {
  /** The network hangs, and the job's half-written result is gone: the process is killed. */
  readonly stuck: { readonly ask: ErrorReport };
  /** Every second, whatever the network is doing. */
  readonly heartbeat: { readonly ask: undefined };
}

export type JobEvent =
  | { readonly kind: "progress"; readonly progress: Progress }
  /** Tiles of so many voxels are given to a model from now on; not where they were asked for by name. */
  | { readonly kind: "tile"; readonly modelSha256: string; readonly voxels: number }
  /** A tile found too little memory, and smaller ones are tried: in words. */
  | { readonly kind: "tile-too-large"; readonly note: string };

export interface EngineSettings {
  readonly provider: ProviderName;
  /** Package folders; the first is run once at the start, all stay loaded between jobs. */
  readonly models: readonly string[];
  /** Of the CPU provider; the host gives as many as the machine has where it is told of none. */
  readonly intraOpThreads: number;
  /** Other programs of the machine come first. */
  readonly lowPriority: boolean;
  /** Bytes that tiles are planned for at most; the package's tiles where absent. */
  readonly memoryLimitBytes?: number | undefined;
  /** How long a tile may take; learned from the warm-up where absent. */
  readonly tileLimits?: DeadlineLimits | undefined;
  /** Nothing is kept for the next job when none came for so long; a minute where absent. */
  readonly idleReleaseMs?: number | undefined;
  /** Of tests: what runs in the place of the network's thread. */
  readonly networkProgram?: string | undefined;
}

export type WarmUp = Pick<WarmUpResult, "pid" | "runtimeVersion" | "networkVoxelsPerS">;
