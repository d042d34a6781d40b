import { z } from "zod";
import { calibrationId, count, nameSchema, seconds, stamped, time } from "./message-parts.ts";

/** A number with its 95 % interval; `null` stands for "without bound". */
const interval = z.strictObject({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});

/** Of an answer; `null` where it is not known, or where no target was given. */
export const answerFigures = {
  /** The smallest number of scans that meets the target surely, and by the best estimate. */
  averages_needed: z.number().nullable(),
  averages_likely_needed: z.number().nullable(),
  raw_averages_needed: z.number().nullable(),
  speed_up: z.number().nullable(),
  /** The break point: from here on denoising does not surely help. */
  no_gain_from_averages: z.number().nullable(),
  mosaic_time_before_s: z.number().nullable(),
  mosaic_time_after_s: z.number().nullable(),
};

export const calibrationProgressSchema = z.strictObject({
  ...stamped,
  id: calibrationId,
  status: z.enum(["running", "failed", "interrupted"]),
  /** What is being done, in words; why it failed. */
  doing: z.string(),
  done_voxels: count,
  total_voxels: count,
  elapsed_s: seconds,
  eta_s: seconds.optional(),
});

export const calibrationResultSchema = z.strictObject({
  ...stamped,
  id: calibrationId,
  status: z.literal("done"),
  /** When it was measured, and by which version of cnnt-edge. */
  created: time,
  version: z.string(),
  kind: z.string(),
  images: count,
  model: z.strictObject({ name: z.string(), version: z.string(), sha256: z.string(), intensity: z.string() }),
  provider: z.string(),
  field_px: z.strictObject({ z: count, y: count, x: count }),
  pixel_size_um: z.number().optional(),
  /** Name of the first input, without the folders above it. */
  field: z.string(),
  answer: z.strictObject({
    headline: z.string(),
    sentences: z.array(z.string()),
    target: z.strictObject({ kind: z.string(), value: z.number() }).optional(),
    ...answerFigures,
  }),
  /** At most 32; where more were measured the first ones. */
  levels: z.array(
    z.strictObject({
      averages: z.number(),
      raw_psnr_db: interval.optional(),
      psnr_db: interval.optional(),
      worth_scans: interval.optional(),
      noise_to_signal: z.number().nullable(),
      meets_target: z.string().optional(),
      verdicts: z.array(z.strictObject({ verdict: z.string(), evidence: z.string() })),
    }),
  ),
  /** Where its files lie; without the folders above unless `mqtt.expose_paths` allows it. */
  report: z.string(),
  /** The watch folders that it is pinned to; absent where `calibrate` tells it. */
  pinned_to: z.array(nameSchema).optional(),
});
