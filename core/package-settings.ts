import { z } from "zod";
import type { AxisSizes, Operator } from "./operators.ts";

/**
 * Our part of a model package's `rdf.yaml`, under `config.cnnt_edge`. The bioimage.io fields say the same where
 * they can; this says what they cannot (clipping, what intensities mean afterwards, recommended tiles).
 */

/** No tile is longer along an axis, and none holds more voxels (4 GiB of float32). */
export const longestTile = 65_536;
export const mostTileVoxels = 2 ** 30;

const positiveInteger = z.int().positive();
const length = positiveInteger.max(longestTile);
const shared = z.int().nonnegative().max(longestTile);

/** Depth, height, width. */
const box = z
  .tuple([length, length, length])
  .refine(([depth, height, width]) => depth * height * width <= mostTileVoxels, {
    error: `more than ${mostTileVoxels} voxels`,
  });
const overlapBox = z.tuple([shared, shared, shared]);

/** Whether `(x - low) / (high - low)` is a number for every sample: low below high, and no overflow either way. */
function isRange({ low, high }: { readonly low: number; readonly high: number }): boolean {
  const range = high - low;
  return range > 0 && Number.isFinite(range) && Number.isFinite(1 / range);
}

/** A fixed range of sample values to scale by, as training's JSON states it too. */
export const valueRangeSchema = z
  .tuple([z.number(), z.number()])
  .refine(([low, high]) => isRange({ low, high }), {
    error: ({ input }) => `${String(input)}: the first number must be below the second`,
  });

const lowBelowHigh = { error: "low must be below high" };

/**
 * How samples become network input: `(x - low) / (high - low)`, then clipped to [0, 1] where `clip`.
 * `fixed`: low and high are sample values. `percentile`: percentiles (0 to 100, numpy's `linear`) of the whole
 * stack. `none`: samples go in as they are.
 */
export const normalizationSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  z
    .strictObject({
      kind: z.literal("fixed"),
      low: z.number(),
      high: z.number(),
      clip: z.boolean(),
    })
    .refine(isRange, lowBelowHigh),
  z
    .strictObject({
      kind: z.literal("percentile"),
      low: z.number().min(0).max(100),
      high: z.number().min(0).max(100),
      clip: z.boolean(),
    })
    .refine(isRange, lowBelowHigh),
]);

/**
 * What output intensities mean. `preserved`: the inverse of the normalization gives input units. `affine`: that,
 * then `gain · x + offset`. `uncalibrated`: the inverse map is applied for display, but the values are not
 * comparable with the input's.
 */
const intensitySchema = z.discriminatedUnion("meaning", [
  z.strictObject({ meaning: z.literal("preserved") }),
  z.strictObject({ meaning: z.literal("affine"), gain: z.number(), offset: z.number() }),
  z.strictObject({ meaning: z.literal("uncalibrated") }),
]);

/** What the checkpoint's network is; absent for packages that are no CNNT (identity). */
const architectureSchema = z.strictObject({
  blocks: z.array(positiveInteger).min(2).max(4),
  blocks_per_set: positiveInteger,
  n_head: positiveInteger,
  kernel_size: positiveInteger,
  norm_mode: z.enum(["instance", "batch", "layer", "mixed"]),
  with_mixer: z.boolean(),
  no_residual: z.boolean(),
});

export const packageSettingsSchema = z.strictObject({
  schema: z.literal(1),
  architecture: architectureSchema.optional(),
  normalization: normalizationSchema,
  intensity: intensitySchema,
  /** Height and width must be multiples of this (2 to the number of halvings). */
  spatial_multiple: length,
  /** Present where height and width are those of training (`layer` norm): [height, width]. */
  fixed_height_width: z.tuple([length, length]).optional(),
  /** Present where the graph takes tiles of exactly this shape (`export --static`). */
  fixed_shape: box.optional(),
  tile: box,
  overlap: overlapBox,
  /** Largest |expected - measured| allowed on the package's own test tensors, absolute. */
  test_tolerance: z.number().positive(),
  /** Noise over signal (`runtime/intensity/noise-estimate.ts`) of the images that the package was tried on: lowest, highest. */
  noise_range: z.tuple([z.number().nonnegative(), z.number().nonnegative()]).optional(),
  /** What was gained on pairs of noisy and clean images; each channel of a pair counts. */
  pairs: z
    .strictObject({
      count: positiveInteger,
      /** PSNR gained, after a gain and an offset onto the clean image (`calibration/pairs/pair-sums.ts`). */
      psnr_gain_db: z.strictObject({ median: z.number(), min: z.number(), max: z.number() }),
      /** Slope of denoised pixels against clean ones over that of the noisy pixels: what is left of a structure's height. */
      slope: z.strictObject({ median: z.number(), min: z.number(), max: z.number() }).optional(),
      /** What the pairs show, in words. */
      on: z.string().max(300).optional(),
    })
    .optional(),
  weights_sha256: z.string().optional(),
});

export type Normalization = z.infer<typeof normalizationSchema>;
export type Intensity = z.infer<typeof intensitySchema>;
export type Architecture = z.infer<typeof architectureSchema>;
export type PackageSettings = z.infer<typeof packageSettingsSchema>;

/** A package folder as read: what the engine needs to run it. */
export interface ModelPackage {
  /** The package folder. */
  readonly dir: string;
  readonly name: string;
  readonly version: string;
  /** Path of `model.onnx`, its sha256 (hex) and its size. */
  readonly modelFile: string;
  readonly modelSha256: string;
  /** Names of the graph's single input and output, `[B, T, 1, H, W]` float32 each (`zoo` says otherwise). */
  readonly inputName: string;
  readonly outputName: string;
  /** Present where `modelFile` stands for a TensorRT engine that was built from the model of this hash. */
  readonly preparedEngine?: true;
  readonly testInputFile: string;
  readonly testOutputFile: string;
  readonly settings: PackageSettings;
  /** Present for a package of ours: whether what it states is under a hash (`export/package/statement-hash.ts`). */
  readonly statementsAreHashed?: boolean;
  /** Present for a package that is not ours: what its description says of a network we know nothing else of. */
  readonly zoo?: ZooModel;
}

/** A bioimage.io model of other people's making: one channel in and out, of the same size. */
export interface ZooModel {
  /** What its description says that it does. */
  readonly task: StatedTask;
  /** Axes of the network's tensors, slowest first, of `b c t z y x`; depth before height before width. */
  readonly inputAxes: string;
  readonly outputAxes: string;
  /** Lengths it takes along depth, height and width; depth is exactly 1 for a network of single planes. */
  readonly sizes: readonly [depth: AxisSizes, height: AxisSizes, width: AxisSizes];
  /** Borders of a tile's output that are not to be used: depth, height, width. */
  readonly halo: readonly [depth: number, height: number, width: number];
  readonly before: readonly Operator[];
  readonly after: readonly Operator[];
  /** How far its test output may be missed: |a - b| <= absolute + relative · |b|, but for some elements. */
  readonly tolerance: {
    readonly absolute: number;
    readonly relative: number;
    readonly mismatchedPerMillion: number;
  };
  /** What a person should know of how it is run. */
  readonly notes: readonly string[];
}

/** What the description of a model states that its network does. */
export interface StatedTask {
  readonly verdict: "denoises" | "something-else" | "does-not-say";
  /** What in the description says so, each with its place: `tags: segmentation`. Empty where nothing does. */
  readonly words: readonly string[];
}

/** Axes of our own networks: batch, depth, channel, height, width. */
export const ownAxes = "bzcyx";

/** The shapes of a network's input and output tensors for one tile of `[depth, height, width]`. */
export function tensorShapes(
  { zoo }: Pick<ModelPackage, "zoo">,
  tile: readonly [depth: number, height: number, width: number],
): { readonly input: readonly number[]; readonly output: readonly number[] } {
  return {
    input: shapeOf(zoo?.inputAxes ?? ownAxes, tile),
    output: shapeOf(zoo?.outputAxes ?? ownAxes, tile),
  };
}

/** One batch, one channel; of `z` and `t`, where both are there, `z` is the depth. */
function shapeOf(axes: string, [depth, height, width]: readonly [number, number, number]): number[] {
  const depthAxis = axes.includes("z") ? "z" : "t";
  const lengths: Readonly<Record<string, number>> = { [depthAxis]: depth, y: height, x: width };
  return [...axes].map((letter) => lengths[letter] ?? 1);
}
