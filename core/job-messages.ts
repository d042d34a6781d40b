import { z } from "zod";
import { jobStatuses } from "./job-status.ts";
import { count, errorSchema, nameSchema, seconds, stamped } from "./message-parts.ts";

/** What leaves over MQTT about single jobs; `messages.ts` has the rules for all of it. */

export const jobStatusSchema = z.enum(jobStatuses);

export const noiseChecks = z.array(
  z.strictObject({
    channel: count,
    /** Id of the calibration that it is held against, and the scans averaged in its level. */
    calibration: z.string(),
    averages: z.number().positive(),
    /** Both absent where the acquisition has no signal above its noise. */
    noise_to_signal: z.number().nonnegative().optional(),
    /** noise_to_signal over that of the calibration. */
    ratio: z.number().nonnegative().optional(),
    /** The ratio is beyond what fields of one sample differ by. */
    noisier: z.boolean(),
    warning: z.string().optional(),
  }),
);

export const jobFields = {
  ...stamped,
  id: z.string().regex(/^[0-9a-f]{16}$/),
  folder: nameSchema,
  /** Below the watch folder, with `/`. */
  source: z.string(),
  /** Which image of the file, from 0. */
  series: count,
  /** 1 for the first content seen under this name, 2 after it was replaced, … */
  revision: z.int().positive(),
  status: jobStatusSchema,
  attempt: count,
  /** Why it waits, was skipped, or was tried again. */
  reason: z.string().optional(),
  stage: z.enum(["opening", "statistics", "denoising", "writing", "verifying"]).optional(),
  done_voxels: count.optional(),
  total_voxels: count.optional(),
  /** While running: an estimate that moves also while a tile is in the network, where `done_voxels` stands still. */
  estimated_share: z.number().min(0).max(1).optional(),
  elapsed_s: seconds.optional(),
  voxels_per_s: z.number().nonnegative().optional(),
  /** An estimate, and what it rests on. */
  eta_s: seconds.optional(),
  eta_basis: z.string().optional(),
  /** While running: the engine's; at the end: what ran. */
  provider: z.string().optional(),
  /** The rest only at the end. Below the output folder, with `/`. */
  output: z.string().optional(),
  output_bytes: count.optional(),
  source_sha256: z.string().optional(),
  tile: z.tuple([count, count, count]).optional(),
  overlap: z.tuple([count, count, count]).optional(),
  network_s: seconds.optional(),
  /** Results of older content of the source that this one has superseded, below the output folder. */
  supersedes: z.array(z.strictObject({ job: z.string(), output: z.string() })).optional(),
  clipped_share: z.number().min(0).max(1).optional(),
  notes: z.array(z.string()).optional(),
  /** When the result was finished (RFC 3339), where it stood already and the job is known from what it states: nothing ran. */
  known_from_result: z.iso.datetime().optional(),
  /** One for each channel that a pinned calibration speaks for. */
  noise: noiseChecks.optional(),
  error: errorSchema.optional(),
  /** Present on an end that is told again, because the broker had not confirmed it. */
  replayed: z.literal(true).optional(),
};
export const jobSchema = z.strictObject(jobFields);

export const previewSchema = z.strictObject({
  ...stamped,
  folder: nameSchema,
  job: jobFields.id,
  source: z.string(),
  /** 8-bit grey PNG, base64: noisy on the left, denoised on the right. */
  png: z.base64(),
  width: z.int().positive(),
  height: z.int().positive(),
  /** The plane shown. */
  plane: z.strictObject({ t: count, c: count, z: count }),
  /** Sample values drawn black and white, the same for both halves. */
  display_range: z.tuple([z.number(), z.number()]),
});
