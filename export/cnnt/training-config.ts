import { readFile } from "node:fs/promises";
import { z } from "zod";
import { formatError, usageError } from "../../core/errors.ts";
import { type Intensity, type Normalization, valueRangeSchema } from "../../core/package-settings.ts";
import type { StatedArchitecture } from "./infer-architecture.ts";

/**
 * The JSON that training leaves beside the weights: a plain dictionary of all its options, of which these say what
 * the weights cannot. Source: AzR919/CNNT_Microscopy, `main.py` and `microscopy_dataset.py`.
 */
const trainingConfigSchema = z.looseObject({
  blocks: z.array(z.int().positive()).min(2).max(4).optional(),
  blocks_per_set: z.int().positive().optional(),
  n_head: z.int().positive().optional(),
  kernel_size: z.int().positive().optional(),
  norm_mode: z.enum(["instance", "batch", "layer", "mixed"]).optional(),
  // Training wrote numbers for some switches.
  with_mixer: z.union([z.boolean(), z.int()]).transform(Boolean).optional(),
  no_residual: z.union([z.boolean(), z.int()]).transform(Boolean).optional(),
  per_scaling: z.union([z.boolean(), z.int()]).transform(Boolean).optional(),
  im_value_scale: valueRangeSchema.optional(),
});

export interface TrainingConfig {
  readonly architecture: StatedArchitecture;
  /** Absent where the JSON does not say how training scaled intensities. */
  readonly scaling?: { readonly normalization: Normalization; readonly intensity: Intensity };
  /** The dictionary as it stands in the file. */
  readonly all: Readonly<Record<string, unknown>>;
}

const maxConfigBytes = 1 << 20;

export async function readTrainingConfig(file: string): Promise<TrainingConfig> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw usageError(
      cause.code === "ENOENT" ? "there is no such configuration" : "the configuration cannot be read",
      {
        code: "training-config-missing",
        file,
        remedy: "Name the JSON that training wrote beside the weights",
        cause,
      },
    );
  });
  if (text.length > maxConfigBytes) throw refused(file, "$", `${text.length} bytes`);
  const parsed = trainingConfigSchema.safeParse(parseJson(text, file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refused(file, issue?.path.join(".") ?? "$", issue?.message ?? "unknown");
  }
  const { per_scaling: perScaling, im_value_scale: valueScale, ...rest } = parsed.data;
  const scaling = perScaling === undefined ? undefined : publishedScaling(perScaling, valueScale);
  const { blocks, blocks_per_set, n_head, kernel_size, norm_mode, with_mixer, no_residual } = rest;
  return {
    architecture: { blocks, blocks_per_set, n_head, kernel_size, norm_mode, with_mixer, no_residual },
    ...(scaling === undefined ? {} : { scaling }),
    all: parsed.data,
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

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw formatError("the configuration is no JSON", {
      code: "training-config-json",
      file,
      found: cause instanceof Error ? cause.message : "",
      remedy: "Name the JSON that training wrote beside the weights",
      cause,
    });
  }
}

function refused(file: string, at: string, found: string) {
  return formatError("the configuration is not one that training writes", {
    code: "training-config-schema",
    file,
    at,
    found,
    remedy: "Name the JSON that training wrote beside the weights",
  });
}
