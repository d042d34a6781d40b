import { type Acquisition, type SampleType, sampleTypes } from "../../core/acquisition.ts";
import { unsupportedError, usageError } from "../../core/errors.ts";
import type { Intensity, ModelPackage, Normalization, ZooModel } from "../../core/package-settings.ts";
import { taskNote } from "../../export/package/stated-task.ts";
import type { DenoiseJob } from "../job/denoise-job.ts";
import { resultEndings, resultKindOf } from "../job/result-name.ts";
import { channelModels, pass } from "./channel-models.ts";
import { chooseTiles } from "./choose-tile.ts";
import { type DepthAxis, depthAxisOf } from "./depth-axis.ts";
import type { StackShape, TilePlan } from "./tile-plan.ts";

/** What will be done with one channel. */
export type ChannelPlan =
  | { readonly kind: "pass" }
  | {
      readonly kind: "denoise";
      readonly model: ModelPackage;
      readonly tiles: TilePlan;
      readonly normalization: Normalization;
      readonly intensity: Intensity;
      /** Present for a model of the zoo: its own operators, in place of normalization and intensity. */
      readonly zoo?: ZooModel;
    };

export type DenoisePlan = Extract<ChannelPlan, { kind: "denoise" }>;

/** What will be done with an acquisition: everything that can be said before a plane is read. */
export interface JobPlan {
  readonly depthAxis: DepthAxis;
  readonly stack: StackShape;
  readonly sampleType: SampleType;
  readonly channels: readonly ChannelPlan[];
  /** What a person should know. */
  readonly notes: readonly string[];
}

/** Said of tiles that are smaller than the package's or the configuration's. */
const keptSmall = "tiles were made smaller: larger ones ran out of memory when this job was tried before";

/** What limits tiles, beside the package and what the job asks for. */
export interface TileLimits {
  /** As configured. */
  readonly memoryLimitBytes?: number | undefined;
  /** Voxels above which a tile of this model ran out of memory in this job. */
  readonly largestVoxels?: ((model: ModelPackage) => number | undefined) | undefined;
}

/** Throws `EdgeError` (`usage`, `machine`) where the job cannot be done as asked. `packageOf` reads a model folder. */
export async function planJob(
  job: DenoiseJob,
  acquisition: Acquisition,
  packageOf: (dir: string) => Promise<ModelPackage>,
  limits: TileLimits = {},
): Promise<JobPlan> {
  const { sizes } = acquisition;
  const depthAxis = depthAxisOf(job.depthAxis, sizes);
  const stack: StackShape = [depthAxis === "z" ? sizes.z : sizes.t, sizes.y, sizes.x];
  const isTensor = acquisition.make === "NumPy" && !sampleTypes[acquisition.sampleType].integer;
  const asIs = (job.normalization ?? (isTensor ? "none" : "package")) === "none";

  const channels: ChannelPlan[] = [];
  let limited = false;
  for (const dir of channelModels(job.models, acquisition)) {
    if (dir === pass) {
      channels.push({ kind: "pass" });
      continue;
    }
    const model = await packageOf(dir);
    const { settings } = model;
    const largestVoxels = limits.largestVoxels?.(model);
    const tiles = chooseTiles({
      stack,
      settings,
      zoo: model.zoo,
      tile: job.tile,
      overlap: job.overlap,
      tiling: job.tiling,
      bytesPerSample: sampleTypes[acquisition.sampleType].bytes,
      memoryLimitBytes: limits.memoryLimitBytes,
      largestVoxels,
    });
    limited ||= largestVoxels !== undefined;
    channels.push({
      kind: "denoise",
      model,
      tiles,
      normalization: asIs ? { kind: "none" } : settings.normalization,
      intensity: asIs ? { meaning: "preserved" } : settings.intensity,
      ...(model.zoo === undefined || asIs ? {} : { zoo: model.zoo }),
    });
  }
  const denoised = channels.filter((channel) => channel.kind === "denoise");
  refuseMisnamed(job, denoised);
  // Where a zoo model says itself what comes out, it is not the source's: probabilities are no counts.
  const ownUnits = denoised.some(({ zoo }) => (zoo?.after ?? []).length > 0);
  const sampleType = job.sampleType ?? (ownUnits ? "float32" : acquisition.sampleType);
  if (denoised.length < channels.length) refuseLossyPass(acquisition, sampleType);
  return {
    depthAxis,
    stack,
    sampleType,
    channels,
    notes: [...notesOf(job, acquisition, depthAxis, denoised, asIs), ...(limited ? [keptSmall] : [])],
  };
}

function notesOf(
  job: DenoiseJob,
  acquisition: Acquisition,
  depthAxis: DepthAxis,
  models: readonly DenoisePlan[],
  asIs: boolean,
): string[] {
  const notes = [...acquisition.notes];
  const { sizes, sampleType } = acquisition;
  if (job.depthAxis === "auto" && depthAxis === "t") {
    notes.push(
      `depth is time: the file has one Z plane and ${sizes.t} time points (--depth-axis chooses another axis)`,
    );
  }
  if (asIs && job.normalization === undefined) {
    notes.push(
      "a float .npy is taken as network input: no normalization (--normalization package changes that)",
    );
  }
  notes.push(...new Set(models.flatMap(({ model }) => taskNote(model) ?? [])));
  for (const { zoo } of models) {
    if (zoo === undefined) continue;
    notes.push(...zoo.notes.filter((note) => !notes.includes(note)));
    const own = "the result comes from the model's own operators, as float32 (--dtype chooses another type)";
    if (zoo.after.length > 0 && job.sampleType === undefined && !notes.includes(own)) notes.push(own);
  }
  if (models.some(({ intensity, zoo }) => intensity.meaning === "uncalibrated" && !zoo?.after.length)) {
    notes.push("the model is uncalibrated: intensities are not comparable with the input's");
  }
  if (models.length > 0 && (sampleType === "float64" || sampleType === "uint32" || sampleType === "int32")) {
    notes.push(`${sampleType} samples went through a float32 network: about seven significant digits remain`);
  }
  return notes;
}

/** Whoever asks for a job names its result, and the model may have become another one since. */
function refuseMisnamed({ input, output }: DenoiseJob, channels: readonly DenoisePlan[]): void {
  if (
    resultKindOf(channels.map(({ model }) => model)) === "denoised" ||
    !output.endsWith(resultEndings.denoised)
  )
    return;
  throw unsupportedError(
    "the result of a model that does something other than denoise was to be called denoised",
    {
      code: "zoo-result-name",
      file: input,
      found: output,
      allowed: `a name that ends in ${resultEndings.output}`,
      remedy:
        "The model was replaced by another one: start the command again, or copy the file into the folder again",
    },
  );
}

/** Every value of the left type is one of the right, and stays what it is. */
const exactly: Partial<Record<SampleType, readonly SampleType[]>> = {
  uint8: ["uint16", "float32"],
  int8: ["float32"],
  uint16: ["float32"],
  int16: ["float32"],
};

function refuseLossyPass({ file, sampleType: from }: Acquisition, to: SampleType): void {
  if (from === to || exactly[from]?.includes(to)) return;
  throw usageError("a channel that is copied cannot keep its values in the chosen sample type", {
    code: "pass-sample-type",
    file,
    found: `${from} to ${to}`,
    remedy: "Leave --dtype out, or denoise the channel",
  });
}
