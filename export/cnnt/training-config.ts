import { z } from "zod";
import { type Intensity, type Normalization, valueRangeSchema } from "../../core/package-settings.ts";
import type { StatedArchitecture } from "./infer-architecture.ts";
import { describing, type TrainingFacts } from "./training-facts.ts";
import { notTraining, readTrainingJson } from "./training-json.ts";

/**
 * The JSON that training leaves beside the weights: a plain dictionary of all its options, of which these say what
 * the weights cannot. Source: AzR919/CNNT_Microscopy, `main.py` and `microscopy_dataset.py`.
 */
const trainingConfigSchema = z
  .looseObject({
    blocks: z.array(z.int().positive()).min(2).max(4).optional(),
    blocks_per_set: z.int().positive().optional(),
    n_head: z.int().positive().optional(),
    kernel_size: z.int().positive().optional(),
    norm_mode: z.enum(["instance", "batch", "layer", "mixed"]).optional(),
    // Training wrote numbers for some switches.
    with_mixer: z.union([z.boolean(), z.int()]).transform(Boolean).optional(),
    no_residual: z.union([z.boolean(), z.int()]).transform(Boolean).optional(),
    stride: z.literal(1, { error: "only 1 can be exported" }).optional(),
    padding: z.int().optional(),
    per_scaling: z.union([z.boolean(), z.int()]).transform(Boolean).optional(),
    im_value_scale: valueRangeSchema.optional(),
  })
  .superRefine(({ kernel_size: kernel, padding }, context) => {
    if (kernel === undefined || padding === undefined || 2 * padding + 1 === kernel) return;
    const message = `${padding}; only ${(kernel - 1) / 2} for a kernel of ${kernel} keeps the size of an image`;
    context.addIssue({ code: "custom", path: ["padding"], message });
  });

export interface TrainingConfig {
  readonly architecture: StatedArchitecture;
  /** Absent where the JSON does not say how training scaled intensities. */
  readonly scaling?: { readonly normalization: Normalization; readonly intensity: Intensity };
  /** The entries that describe the model and its training; how many others there are. */
  readonly kept: TrainingFacts;
  readonly dropped: number;
}

/** Reads it as `readTrainingJson` does. Throws `EdgeError` naming the entry that is wrong. */
export async function readTrainingConfig(file: string): Promise<TrainingConfig> {
  const entries = await readTrainingJson(file);
  const parsed = trainingConfigSchema.safeParse(entries);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw notTraining(file, issue?.path.join(".") || "$", issue?.message ?? "unknown");
  }
  const { per_scaling: perScaling, im_value_scale: valueScale, ...rest } = parsed.data;
  const scaling = perScaling === undefined ? undefined : publishedScaling(perScaling, valueScale);
  const { blocks, blocks_per_set, n_head, kernel_size, norm_mode, with_mixer, no_residual } = rest;
  const kept = describing(entries);
  return {
    architecture: { blocks, blocks_per_set, n_head, kernel_size, norm_mode, with_mixer, no_residual },
    ...(scaling === undefined ? {} : { scaling }),
    kept,
    dropped: Object.keys(entries).length - Object.keys(kept).length,
  };
}

/**
 * How the published training scales: by the 1.5th and 99.5th percentile of each image, noisy and clean each by its
 * own (so that the output's intensities are not calibrated), or both by one fixed range; clipped to [0, 1].
 */
function publishedScaling(perScaling: boolean, valueScale: readonly [number, number] = [0, 65536]) {
  if (perScaling) {
    return {
      normalization: { kind: "percentile", low: 1.5, high: 99.5, clip: true },
      intensity: { meaning: "uncalibrated" },
    } as const;
  }
  const [low, high] = valueScale;
  return {
    normalization: { kind: "fixed", low, high, clip: true },
    intensity: { meaning: "preserved" },
  } as const;
}
