import { z } from "zod";
import type { ErrorReport } from "../../core/errors.ts";
import { type NoiseCheck, noiseReferenceSchema } from "../intensity/noise-check.ts";

/** A result of older content; `result` is its path, from the folder of the newer one. */
const supersededResultSchema = z.strictObject({
  result: z.string(),
  job: z.string(),
  sourceSha256: z.string(),
});

/** One acquisition to denoise, as it is sent to the engine, which works in the same folder: messages name its paths as here. */
export const denoiseJobSchema = z.strictObject({
  input: z.string(),
  /** Which image of the file, from 0. */
  series: z.int().nonnegative().default(0),
  /** How the files of the acquisition are named (`FilePattern`), and which they are; else all that its folder has. */
  pattern: z.strictObject({ template: z.string(), files: z.array(z.string()).optional() }).optional(),
  /** Of a set that was noted as one acquisition: one of its files alone is not read in its place. */
  isSet: z.boolean().default(false),
  /** Final name of the result, `….ome.tif`. */
  output: z.string(),
  /** Of the daemon's ledger; the result states it. */
  jobId: z.string().optional(),
  /** Whether an existing file under the final name may be replaced; `own`: only a result that states this `jobId`. */
  overwrite: z.union([z.boolean(), z.literal("own")]).default(false),
  /**
   * Which model folder each channel goes through; `pass` copies the channel unchanged. `byChannel` is looked up by
   * channel name, then by index written as a number ("0"); other channels take `default`.
   */
  models: z.strictObject({
    default: z.string(),
    byChannel: z.record(z.string(), z.string()).default({}),
    /** By folder, the identity (`model-identity.ts`) of the package that was verified there: no other is run. */
    verified: z.record(z.string(), z.string()).default({}),
  }),
  /** Depth, height, width in pixels: exactly these. Where both are absent, the package says how large tiles may be. */
  tile: z.tuple([z.int().positive(), z.int().positive(), z.int().positive()]).optional(),
  overlap: z.tuple([z.int().nonnegative(), z.int().nonnegative(), z.int().nonnegative()]).optional(),
  /** `published`: padded as in the published code; else tiles stay inside the stack. */
  tiling: z.enum(["fitted", "published"]).default("fitted"),
  /** By hash of a model, the voxels above which its tiles ran out of memory when this job was tried before. */
  largestTileVoxels: z.record(z.string(), z.int().positive()).default({}),
  /**
   * `package`: as the model says. `none`: samples are network input already. Where absent: `none` for float `.npy`
   * (a tensor), `package` for everything else.
   */
  normalization: z.enum(["package", "none"]).optional(),
  /** Sample type of the result: the source's where absent. */
  sampleType: z.enum(["uint16", "float32"]).optional(),
  compression: z.enum(["none", "deflate", "zstd"]).default("none"),
  /** Permission bits and numeric group of the result; the process's own where absent. */
  access: z
    .strictObject({
      mode: z.int().min(0).max(0o777).optional(),
      gid: z.int().nonnegative().optional(),
    })
    .default({}),
  /** Whether a file beside the result says when it is done (`done-file.ts`). */
  doneFile: z.boolean().default(false),
  /** Results of older content of this source that this one is to take the place of; the result names them. */
  supersedes: z.array(supersededResultSchema).default([]),
  /** The axis that the network sees as depth. `auto`: Z where there is one, else T. */
  depthAxis: z.enum(["z", "t", "auto"]).default("auto"),
  /** What NaN and infinities in float input do: stand again where they stood, or fail the job. */
  nonFinite: z.enum(["carry", "refuse"]).default("carry"),
  /** What the noise of channels is compared with, looked up as `models`; channels without one are not looked at. */
  noiseReferences: z
    .strictObject({
      default: noiseReferenceSchema.optional(),
      byChannel: z.record(z.string(), noiseReferenceSchema).default({}),
    })
    .optional(),
});

export type DenoiseJob = z.output<typeof denoiseJobSchema>;
export type DenoiseJobInput = z.input<typeof denoiseJobSchema>;

export const stages = ["opening", "statistics", "denoising", "writing", "verifying"] as const;
export type Stage = (typeof stages)[number];

export interface Progress {
  readonly stage: Stage;
  /** Voxels delivered so far and in all. */
  readonly doneVoxels: number;
  readonly totalVoxels: number;
  /**
   * An estimate of how far it is, 0 to below 1, that also moves while a tile is in the network. It never goes back;
   * only a job that begins anew, with smaller tiles, begins at 0 again.
   */
  readonly estimatedShare?: number;
  readonly elapsedS: number;
  /** Measured on this job; absent until there is something to measure. */
  readonly voxelsPerS?: number;
  /** An estimate, and what it rests on, in words; absent where nothing is known of the network's speed. */
  readonly etaS?: number;
  readonly etaBasis?: string;
}

export interface DenoiseOutcome {
  readonly output: string;
  readonly outputBytes: number;
  readonly sourceSha256: string;
  /** Of each file of the acquisition, by its path. Outcomes that older versions left in the ledger have none. */
  readonly sourceFiles?: readonly { readonly file: string; readonly sha256: string }[];
  /** The provider that ran. */
  readonly provider: string;
  readonly tile: readonly [number, number, number];
  readonly overlap: readonly [number, number, number];
  readonly voxels: number;
  readonly elapsedS: number;
  /** Seconds inside the network's run calls. */
  readonly networkS: number;
  /** How the result looked once it had its name: as long as it looks so, nobody has changed it. */
  readonly outputLook?: OutputLook;
  /** Share of voxels whose value lay beyond the bounds of the sample type and was clipped, 0 to 1. */
  readonly clippedShare: number;
  /** What a person should know: an assumed axis, NaN in the input, an uncalibrated model. */
  readonly notes: readonly string[];
  /** One for each channel that a calibration speaks for. */
  readonly noise?: readonly NoiseCheck[];
}

/** Times in milliseconds since 1970. */
export interface OutputLook {
  readonly inode: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/**
 * The engine as its users see it: one child process that owns the network. One job at a time; a lost process
 * rejects the running job with an `EdgeError` (`machine`, `engine-lost`, retryable) and is replaced for the next.
 */
export interface Engine {
  /** What was measured when the engine warmed up; waits for it. */
  readonly ready: () => Promise<WarmUpResult>;
  readonly denoise: (
    job: DenoiseJobInput,
    options?: { signal?: AbortSignal; onProgress?: (progress: Progress) => void },
  ) => Promise<DenoiseOutcome>;
  /** Lets the running tile end, then the process; kills it after `graceMs`. */
  readonly stop: (graceMs?: number) => Promise<void>;
}

export interface WarmUpResult {
  readonly pid: number;
  /** The provider that ran the warm-up. */
  readonly provider: string;
  /** Why the providers asked for before it are not used. */
  readonly rejected: readonly { readonly provider: string; readonly reason: ErrorReport }[];
  readonly runtimeVersion: string;
  /** Voxels of network input per second in the warm-up run, by the clock. */
  readonly networkVoxelsPerS: number;
}
