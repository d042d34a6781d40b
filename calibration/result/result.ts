import { z } from "zod";
import { answerFigures } from "../../core/calibration-messages.ts";

/**
 * `calibration.json`: what a calibration found, for programs. Fields are only ever added within schema 1; units are
 * in the names; errors and intensities are in `unit`, errors squared.
 */

const estimate = z.strictObject({
  value: z.number(),
  /** 95 % interval. */
  low: z.number(),
  high: z.number(),
});

/** `null` stands for "without bound": an error that may be 0 has no largest PSNR. */
const openEstimate = z.strictObject({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** True where only `low` is known. */
  at_least: z.boolean(),
});

const shift = z.strictObject({ y_px: z.number(), x_px: z.number() });

const image = z.strictObject({
  /** Against the unseen truth; absent with a single reference. */
  mean_squared_error: estimate.optional(),
  interval_allows_for: z.enum(["input and reference noise", "reference noise"]).optional(),
  /** As is: no gain or offset is fitted; of `data_range`. */
  psnr_db: openEstimate.optional(),
  /** As is, against the mean of the references as if it were the truth: too large by the references' noise. */
  naive_mean_squared_error: z.number(),
  naive_psnr_db: z.number().nullable(),
  variance: z.number().optional(),
  squared_bias: z.number().optional(),
  /** How many raw scans averaged are as near to the truth. */
  worth_scans: openEstimate.optional(),
  /** Against the noisy mean of the references: biased low, not comparable between data sets. */
  ssim_biased_by_reference_noise: z.strictObject({
    published_7x7: z.number(),
    published_7x7x7: z.number(),
    scikit_image_gaussian: z.number(),
  }),
  /** Fourier ring correlation with the mean of the references. */
  ring_correlation: z.strictObject({
    cycles_per_px: z.array(z.number()),
    correlation: z.array(z.number()),
  }),
  /** Where it falls below 1/7; absent where it never does. */
  resolution_px: z.number().optional(),
  resolution_um: z.number().optional(),
  /** Means of blocks of the image against those of the mean of the references: image = slope · reference + offset. */
  intensity_slope: z.number(),
  intensity_offset: z.number(),
  intensity_bins: z.array(z.strictObject({ reference: z.number(), image: z.number(), pixels: z.number() })),
  shift,
  detail: z.array(
    z.strictObject({
      from_cycles_per_px: z.number(),
      to_cycles_per_px: z.number(),
      share_of_detail: z.number(),
      gain: estimate.optional(),
      added_share: estimate.optional(),
      /** Cross power with the references over reproduced power; below 1 no smoothing made it. */
      accounted_for: estimate.optional(),
    }),
  ),
  /** Share of 8 x 8 px squares that differ from the references by more than 4 standard deviations of noise. */
  squares_beyond_noise: z.number().optional(),
});

const level = z.strictObject({
  /** Scans averaged into one input. */
  averages: z.number(),
  draws: z.number(),
  references: z.number(),
  raw: image,
  denoised: image,
  verdicts: z.array(
    z.strictObject({
      verdict: z.enum(["unchanged", "rescales", "shifts", "blurs", "sharpens", "invents"]),
      evidence: z.string(),
    }),
  ),
  /** Of the raw input, estimated from itself as `watch` does it; null where the field has no signal. */
  noise_to_signal: z.number().nullable(),
  /** mean((input - denoised)²). */
  removed: z.number(),
  meets_target: z.enum(["yes", "likely", "no", "unknown"]).optional(),
});

export const calibrationSchema = z.strictObject({
  schema: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{16}$/),
  created: z.iso.datetime({ precision: 3 }),
  version: z.string(),
  inputs: z.array(z.string()),
  kind: z.enum(["repeats", "levels", "pair"]),
  images: z.number(),
  field_px: z.strictObject({ z: z.number(), y: z.number(), x: z.number() }),
  pixel_size_um: z.number().optional(),
  model: z.strictObject({ name: z.string(), version: z.string(), sha256: z.string(), intensity: z.string() }),
  /** That ran the model; `cached` where all results were kept from an interrupted run. */
  provider: z.string(),
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  drift: z.strictObject({
    measurable: z.boolean(),
    uncertainty_px: z.number(),
    measured: z.array(shift),
    undone: z.array(shift),
    /** Names of images that are not used; `images` counts those that are. */
    left_out: z.array(z.string()),
    /** Why; absent where none is left out, and in results of earlier versions. */
    left_out_because: z.string().optional(),
  }),
  bleaching: z.strictObject({
    corrected: z.boolean(),
    range: z.number(),
    factors: z.array(z.number()),
    offset: z.number(),
    offset_from: z.enum(["option", "repeats", "assumed 0"]),
  }),
  /** 1 where images differ by independent noise only; below where the field changes slowly. */
  stillness: z.number().nullable(),
  /** Of all intensities here; errors are squares of it. */
  unit: z.enum(["grey value", "photon"]),
  data_range: z.number(),
  /** Noise variance of one scan; absent where it cannot be known. */
  scan_variance: z.number().optional(),
  grey_values_per_photon: z.number().nullable(),
  levels: z.array(level),
  answer: z.strictObject({
    headline: z.string(),
    sentences: z.array(z.string()),
    target: z
      .strictObject({ kind: z.enum(["psnr", "equivalent", "as-good-as"]), value: z.number() })
      .optional(),
    ...answerFigures,
  }),
});

export type Calibration = z.infer<typeof calibrationSchema>;
export type CalibrationLevel = Calibration["levels"][number];
export type CalibrationImage = CalibrationLevel["raw"];
