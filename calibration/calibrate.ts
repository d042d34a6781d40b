import { stat } from "node:fs/promises";
import { join } from "node:path";
import { filesBelow } from "../formats/file/folder-files.ts";
import { answerOf } from "./answer/answer.ts";
import type { ScanTiming } from "./answer/scan-time.ts";
import type { Target } from "./answer/target.ts";
import { singleScanVariance } from "./answer/worth.ts";
import { describeLevels } from "./describe-levels.ts";
import { leftOutReason, leftOutSentence, type PreparedRepeats } from "./experiment/prepare-repeats.ts";
import type { Repeats } from "./experiment/repeats.ts";
import { type LevelPlan, planLevels, planReadyLevels } from "./levels/draw-plan.ts";
import { type DenoisedStack, type LevelMeasurement, measureLevel } from "./measure/measure-level.ts";
import { type Detector, repeatsInPhotons, stackInPhotons } from "./measure/photons.ts";
import { type FieldSurvey, surveyField } from "./measure/survey-field.ts";
import type { ModelRunner } from "./model-runner.ts";
import type { Calibration } from "./result/result.ts";

export interface CalibrateOptions {
  readonly inputs: readonly string[];
  readonly kind: Calibration["kind"];
  readonly levels?: readonly number[] | undefined;
  readonly maxDraws: number;
  readonly seed: number;
  /** For PSNR and SSIM; from the field where absent. */
  readonly dataRange?: number | undefined;
  /** With it, all intensities and errors are in photons. */
  readonly detector?: Detector | undefined;
  readonly target?: Target | undefined;
  readonly timing?: ScanTiming | undefined;
  readonly settings: Calibration["settings"];
  readonly version: string;
  readonly id: string;
  readonly now: () => Date;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: CalibrationProgress) => void) | undefined;
}

export interface CalibrationProgress {
  /** What is being done, in words. */
  readonly doing: string;
  /** Voxels denoised or measured, and in all; both kinds count alike. */
  readonly done: number;
  readonly total: number;
}

/** The result, and the planes that its report shows. */
export interface CalibrationOutcome {
  readonly calibration: Calibration;
  readonly survey: FieldSurvey;
  readonly shown: readonly { readonly averages: number; readonly planes: LevelMeasurement["shown"] }[];
}

/**
 * Denoises and measures every level. Disk: the denoised draws; memory: a few planes per repeat and level, whatever
 * the depth.
 */
export async function calibrate(
  prepared: PreparedRepeats,
  model: ModelRunner,
  options: CalibrateOptions,
): Promise<CalibrationOutcome> {
  const { repeats } = prepared;
  const { signal, seed, detector } = options;
  const judged = detector === undefined ? repeats : repeatsInPhotons(repeats, detector);
  const plans =
    options.kind === "repeats"
      ? planLevels(repeats.averages.length, { levels: options.levels, maxDraws: options.maxDraws, seed })
      : planReadyLevels(repeats.averages, options.maxDraws);
  const surveyed = await surveyField(judged, signal);
  const survey =
    options.dataRange === undefined ? surveyed : { ...surveyed, high: surveyed.low + options.dataRange };

  const levels = await measureLevels(repeats, judged, plans, model, survey, options);
  const dataRange = survey.high - survey.low;
  const referenceAverages = options.kind === "repeats" ? 1 : Math.max(...repeats.averages);
  const scanVariance = singleScanVariance(levels, referenceAverages);
  const pixelSizeUm = repeats.acquisition.pixelSize.x?.um;
  const { target, timing } = options;
  const described = describeLevels(levels, { dataRange, scanVariance, pixelSizeUm, target });
  const { drift, bleaching } = prepared;
  const because = leftOutReason(prepared);
  const calibration: Calibration = {
    schema: 1,
    id: options.id,
    created: options.now().toISOString(),
    version: options.version,
    inputs: [...options.inputs],
    kind: options.kind,
    images: repeats.averages.length,
    field_px: { z: repeats.depth, y: repeats.height, x: repeats.width },
    ...(pixelSizeUm === undefined ? {} : { pixel_size_um: pixelSizeUm }),
    model: model.facts,
    provider: model.provider(),
    settings: options.settings,
    drift: {
      measurable: drift.measurable,
      uncertainty_px: drift.uncertainty,
      measured: drift.measured.map(({ y, x }) => ({ y_px: y, x_px: x })),
      undone: drift.undone.map(({ y, x }) => ({ y_px: y, x_px: x })),
      left_out: prepared.leftOut,
      ...(because === undefined ? {} : { left_out_because: because }),
    },
    bleaching: {
      corrected: bleaching.corrected,
      range: bleaching.range,
      factors: [...bleaching.factors],
      offset: bleaching.offset,
      offset_from: bleaching.offsetFrom,
    },
    stillness: Number.isFinite(prepared.stillness) ? prepared.stillness : null,
    unit: detector === undefined ? "grey value" : "photon",
    data_range: dataRange,
    ...(scanVariance === undefined ? {} : { scan_variance: scanVariance }),
    grey_values_per_photon: Number.isFinite(survey.gain) ? survey.gain : null,
    levels: [...described],
    answer: answerOf({
      levels: described,
      dataRange,
      scanVariance,
      target,
      timing,
      leftOut: leftOutSentence(prepared),
    }),
  };
  return {
    calibration,
    survey,
    shown: levels.map(({ averages, shown }) => ({ averages, planes: shown })),
  };
}

/** Denoises and measures every level. */
async function measureLevels(
  repeats: Repeats,
  judged: Repeats,
  plans: readonly LevelPlan[],
  model: ModelRunner,
  survey: FieldSurvey,
  { seed, detector, signal, onProgress: report }: CalibrateOptions,
): Promise<LevelMeasurement[]> {
  const plane = repeats.height * repeats.width;
  const allDraws = plans.reduce((sum, { draws }) => sum + draws.length, 0);
  const total = 2 * allDraws * repeats.depth * plane;
  let done = 0;
  const count = (voxels: number, doing: string): void => {
    done += voxels;
    report?.({ doing, done: Math.round(done), total });
  };
  const denoised = async (draw: readonly number[], doing: string): Promise<DenoisedStack> => {
    let counted = 0;
    const onProgress = (share: number): void => {
      count((share - counted) * plane * repeats.depth, doing);
      counted = share;
    };
    onProgress(0);
    const stack = await model.denoise(repeats, draw, { signal, onProgress });
    return detector === undefined ? stack : stackInPhotons(stack, detector);
  };

  const levels: LevelMeasurement[] = [];
  let shorter: DrawVariances | undefined;
  for (const plan of plans) {
    const { averages, draws } = plan;
    const borrowed = borrowedFrom(shorter, averages);
    const stacks: DenoisedStack[] = [];
    try {
      for (const [index, draw] of draws.entries()) {
        const doing = `denoising ${averages} averages, draw ${index + 1} of ${draws.length}`;
        stacks.push(await denoised(draw, doing));
      }
      const onPlane = () => count(plane * draws.length, `measuring ${averages} averages`);
      const level = await measureLevel(judged, plan, stacks, survey, { seed, borrowed, signal, onPlane });
      shorter = drawVariancesOf(level) ?? borrowed;
      levels.push(level);
    } finally {
      await Promise.all(stacks.map((stack) => stack.close()));
    }
  }
  return levels;
}

/** What input noise does to the error of a single image, as measured at some level. */
interface DrawVariances {
  readonly averages: number;
  readonly raw: number;
  readonly denoised: number;
}

function drawVariancesOf({ averages, raw, denoised }: LevelMeasurement): DrawVariances | undefined {
  const [ofRaw, ofDenoised] = [raw.error?.drawVariance, denoised.error?.drawVariance];
  return ofRaw === undefined || ofDenoised === undefined
    ? undefined
    : { averages, raw: ofRaw, denoised: ofDenoised };
}

/** Longer averages have less noise, and what it does to the error falls at least as fast as the noise. */
function borrowedFrom(shorter: DrawVariances | undefined, averages: number): DrawVariances | undefined {
  if (shorter === undefined) return undefined;
  const share = shorter.averages / averages;
  return { averages, raw: shorter.raw * share, denoised: shorter.denoised * share };
}

/** What tells one experiment from another: its files as they are now; of a folder, all files below it. */
export async function identityOf(
  files: readonly string[],
): Promise<readonly (readonly [string, number, number])[]> {
  const found: (readonly [string, number, number])[] = [];
  for (const file of files) {
    const facts = await stat(file);
    if (!facts.isDirectory()) found.push([file, facts.size, facts.mtimeMs]);
    else for (const name of await filesBelow(file)) found.push(...(await identityOf([join(file, name)])));
  }
  return found;
}
