import { z } from "zod";
import { noiseCheckSchema } from "../intensity/noise-check.ts";
import { denoiseJobSchema, stages } from "../job/denoise-job.ts";
import { providerNames } from "../machine/providers.ts";
import { knownTilesSchema } from "./tile-memory.ts";

/**
 * The messages between the host and its engine process. Both sides check what they receive: the other may be a
 * process of another version that outlived an update.
 */

const seconds = z.number().nonnegative();
const count = z.int().nonnegative();
const box = z.tuple([count, count, count]).readonly();

const errorReportSchema = z.strictObject({
  kind: z.enum(["format", "unsupported", "usage", "machine", "verification", "defect"]),
  code: z.string(),
  message: z.string(),
  remedy: z.string().exactOptional(),
  retryable: z.boolean(),
});

const engineSettingsSchema = z.strictObject({
  provider: z.enum(providerNames),
  /** Package folders; the first is run once at the start, all stay loaded between jobs. */
  models: z.array(z.string()).min(1),
  intraOpThreads: z.int().positive(),
  /** Other programs of the machine come first. */
  lowPriority: z.boolean(),
  /** Bytes that tiles are planned for at most. */
  memoryLimitBytes: z.number().positive().exactOptional(),
  /** Where it is kept which tiles were too large. */
  tileMemoryFile: z.string().exactOptional(),
  /** Where it is kept nowhere: what earlier processes of this engine learned. */
  knownTiles: knownTilesSchema.exactOptional(),
  tileLimits: z
    .strictObject({
      firstRunMs: z.number().positive(),
      floorMs: z.number().positive(),
      factor: z.number().positive(),
    })
    .exactOptional(),
  /** Nothing is kept for the next job when none came for so long. */
  idleReleaseMs: z.number().positive().exactOptional(),
  /** Of tests: what runs in the place of the network's thread. */
  networkProgram: z.string().exactOptional(),
});
export type EngineSettings = z.infer<typeof engineSettingsSchema>;

export const toEngineSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("start"), settings: engineSettingsSchema }),
  z.strictObject({ kind: z.literal("denoise"), id: count, job: denoiseJobSchema }),
  z.strictObject({ kind: z.literal("abort"), id: count }),
  z.strictObject({ kind: z.literal("stop") }),
]);
export type ToEngine = z.infer<typeof toEngineSchema>;

const progressSchema = z.strictObject({
  stage: z.enum(stages),
  doneVoxels: count,
  totalVoxels: count,
  estimatedShare: z.number().min(0).max(1).exactOptional(),
  elapsedS: seconds,
  voxelsPerS: seconds.exactOptional(),
  etaS: seconds.exactOptional(),
  etaBasis: z.string().exactOptional(),
});

const outcomeSchema = z.strictObject({
  output: z.string(),
  outputBytes: count,
  sourceSha256: z.string(),
  sourceFiles: z
    .array(z.strictObject({ file: z.string(), sha256: z.string() }))
    .readonly()
    .exactOptional(),
  provider: z.string(),
  tile: box,
  overlap: box,
  voxels: count,
  elapsedS: seconds,
  networkS: seconds,
  clippedShare: z.number().min(0).max(1),
  notes: z.array(z.string()).readonly(),
  noise: z.array(noiseCheckSchema).readonly().exactOptional(),
});

const warmUpSchema = z.strictObject({
  pid: count,
  runtimeVersion: z.string(),
  networkVoxelsPerS: seconds,
});
export type WarmUp = z.infer<typeof warmUpSchema>;

export const fromEngineSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("ready"), warmUp: warmUpSchema }),
  /** The engine cannot be had at all: no model, no provider. The process ends. */
  z.strictObject({ kind: z.literal("unfit"), error: errorReportSchema }),
  z.strictObject({ kind: z.literal("accepted"), id: count }),
  z.strictObject({ kind: z.literal("progress"), id: count, progress: progressSchema }),
  /** Tiles of so many voxels are given to a model from now on; not where they were asked for by name. */
  z.strictObject({ kind: z.literal("tile"), id: count, modelSha256: z.string(), voxels: count }),
  /** A tile found too little memory, and smaller ones are tried: in words. */
  z.strictObject({ kind: z.literal("tile-too-large"), id: count, note: z.string() }),
  z.strictObject({ kind: z.literal("done"), id: count, outcome: outcomeSchema }),
  z.strictObject({ kind: z.literal("failed"), id: count, error: errorReportSchema }),
  /** The network hangs, and the job's half-written result is gone: the host kills the process. */
  z.strictObject({ kind: z.literal("stuck"), error: errorReportSchema }),
  /** Every `heartbeatMs`, whatever the network is doing. */
  z.strictObject({ kind: z.literal("heartbeat") }),
]);
export type FromEngine = z.infer<typeof fromEngineSchema>;

export const heartbeatMs = 1000;
