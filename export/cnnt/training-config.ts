import { z } from "zod";
import { formatError, isEdgeError, usageError } from "../../core/errors.ts";
import { type Intensity, type Normalization, valueRangeSchema } from "../../core/package-settings.ts";
import { isRecord, present } from "../../core/record.ts";
import { openByteSource } from "../../formats/file/byte-source.ts";
import type { StatedArchitecture } from "./infer-architecture.ts";

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
    ...present({ scaling }),
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

/** The published options take 3 kB. */
const maxConfigBytes = 1 << 20;
const remedy = "Name the JSON that training wrote beside the weights";

/**
 * The file that training left beside the weights, as a plain dictionary: the published code's own JSON, its
 * `best.json` (`{"config": ...}`), or wandb's copy (`{"n_head": {"value": 8}}`). Source: AzR919/CNNT_Microscopy,
 * `main.py`, `utils.py` and `models/enhancement_model.py`.
 */
async function readTrainingJson(file: string): Promise<Readonly<Record<string, unknown>>> {
  const value = parseJson(await readText(file), file);
  if (!isRecord(value)) throw notTraining(file, "$", "no dictionary");
  const { config: wrapped } = value;
  const config = unwrapped(wrapped);
  const entries = isRecord(config) ? config : value;
  return Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, unwrapped(entry)]));
}

/** wandb wraps each entry. */
function unwrapped(entry: unknown): unknown {
  if (!isRecord(entry) || !Object.hasOwn(entry, "value")) return entry;
  const { value } = entry;
  return value;
}

async function readText(file: string): Promise<string> {
  const source = await openByteSource(file).catch((cause: unknown) => {
    if (!isEdgeError(cause, "file-missing")) throw cause;
    throw usageError("there is no such configuration", {
      code: "training-config-missing",
      file,
      remedy,
      cause,
    });
  });
  try {
    if (source.size > maxConfigBytes) {
      throw formatError("the configuration is larger than any that training writes", {
        code: "training-config-large",
        file,
        found: `${source.size} bytes`,
        allowed: `at most ${maxConfigBytes} bytes`,
        remedy,
      });
    }
    const bytes = Buffer.alloc(source.size);
    await source.readInto(bytes, 0);
    const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
    return bytes.toString(isUtf16 ? "utf16le" : "utf8").replace(/^\ufeff/, "");
  } finally {
    await source.close();
  }
}

/** Outside of strings; Python writes them, JSON has no such numbers. */
const pythonNumbers = /("(?:[^"\\]|\\.)*")|-?\b(?:NaN|Infinity)\b/g;

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    try {
      return JSON.parse(text.replace(pythonNumbers, (_match, string?: string) => string ?? "null"));
    } catch {
      throw formatError("the configuration is not JSON", {
        code: "training-config-json",
        file,
        found: cause instanceof Error ? cause.message : "",
        remedy,
        cause,
      });
    }
  }
}

function notTraining(file: string, at: string, found: string) {
  return formatError("the configuration is not one that training writes", {
    code: "training-config-schema",
    file,
    at,
    found,
    remedy,
  });
}

/**
 * What of training's options is carried on in a package: how the network is built, how images were scaled and cut, how
 * it was trained. Packages are passed on, and among the other options are paths, file names, notes and accounts.
 */
type TrainingFacts = Readonly<Record<string, unknown>>;

/** Numbers, switches and lists of them. */
const ofNumbers = [
  ..."blocks blocks_per_set n_head kernel_size stride padding dropout_p with_mixer no_residual".split(" "),
  ..."use_conv_3D height width time time_scale per_scaling im_value_scale valu_thres area_thres".split(" "),
  ..."loss_weights global_lr weight_decay beta1 beta2 no_w_decay clip_grad_norm skip_LSUV".split(" "),
  ..."num_epochs batch_size ratio fine_samples train_only seed".split(" "),
];
/** Names of a method, and lists of them. */
const ofWords = ["norm_mode", "loss", "optim", "scheduler"];

const longestList = 16;
/** No separator of paths, no @ of an address. */
const word = /^\w{1,40}$/;

/** The entries that are on the list and have a value of the kind that belongs there. */
function describing(entries: Readonly<Record<string, unknown>>): TrainingFacts {
  const isNumber = (value: unknown): boolean => typeof value === "number" || typeof value === "boolean";
  const isWord = (value: unknown): boolean => typeof value === "string" && word.test(value);
  return Object.fromEntries(
    Object.entries(entries).filter(([key, value]) => {
      if (ofNumbers.includes(key)) return isOneOrSome(value, isNumber);
      return ofWords.includes(key) && isOneOrSome(value, isWord);
    }),
  );
}

function isOneOrSome(value: unknown, test: (item: unknown) => boolean): boolean {
  return Array.isArray(value) ? value.length <= longestList && value.every(test) : test(value);
}
