import { present } from "../../core/record.ts";
import { type NoiseEstimate, noiseSums } from "../../runtime/intensity/noise-estimate.ts";
import { type Repeats, readAll, readMean } from "../experiment/repeats.ts";
import type { LevelPlan } from "../levels/draw-plan.ts";
import { total } from "../metrics/intervals.ts";
import { addTo, noisyReferences } from "../metrics/noisy-references.ts";
import { type DifferenceMap, differenceMap } from "./local-differences.ts";
import { type ImageMeasurement, imageMeter, shiftByModel } from "./measure-images.ts";
import type { FieldSurvey } from "./survey-field.ts";

/** A denoised stack, read plane by plane. */
export interface DenoisedStack {
  /** Plane `z`, `[Y, X]`, the caller's to keep. */
  readonly readPlane: (z: number, signal?: AbortSignal) => Promise<Float32Array>;
  readonly close: () => Promise<void>;
}

export interface LevelMeasurement {
  readonly averages: number;
  readonly draws: number;
  readonly references: number;
  readonly raw: ImageMeasurement;
  readonly denoised: ImageMeasurement;
  /** Noise variance of one recorded image (of one scan where repeats are single), from the references. */
  readonly referenceVariance?: number;
  /** Mean of (input - denoised)². */
  readonly removed: number;
  /** The input's noise as `watch` would estimate it without repeats. */
  readonly inputNoise: NoiseEstimate;
  readonly shown: ShownPlane;
}

/** One plane for the report, `[Y, X]` each, of the first draw. */
export interface ShownPlane {
  readonly raw: Float32Array;
  readonly denoised: Float32Array;
  readonly reference: Float32Array;
  readonly differences?: DifferenceMap;
}

/** Measures one level, plane by plane: each is read once, and up to `shiftPlanes` of them once more for the shift. */
export async function measureLevel(
  repeats: Repeats,
  plan: LevelPlan,
  denoised: readonly DenoisedStack[],
  survey: FieldSurvey,
  options: {
    readonly seed: number;
    readonly borrowed?: { readonly raw: number; readonly denoised: number } | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly onPlane?: () => void;
  },
): Promise<LevelMeasurement> {
  const { seed, signal } = options;
  const shift = await shiftOf(repeats, plan, denoised, signal);
  const meter = (of: "raw" | "denoised") =>
    imageMeter(repeats, survey, plan.draws.length, of === "raw" ? { y: 0, x: 0 } : shift, seed);
  const meters = { raw: meter("raw"), denoised: meter("denoised") };
  const noise = noiseSums(repeats);
  let variance = 0;
  let removed = 0;
  let shown: ShownPlane | undefined;

  for (let z = 0; z < repeats.depth; z += 1) {
    const references = noisyReferences(await readAll(repeats, plan.references, z, signal));
    const inputs: Float32Array[] = [];
    for (const draw of plan.draws) inputs.push(await readMean(repeats, draw, z, signal));
    const outputs: Float32Array[] = [];
    for (const stack of denoised) outputs.push(await stack.readPlane(z, signal));
    meters.raw.add(inputs, references);
    meters.denoised.add(outputs, references);
    variance += total(references.variance ?? []);
    const [input, output] = [inputs[0], outputs[0]];
    if (input !== undefined && output !== undefined) {
      noise.add(input);
      removed += squaredDifference(input, output);
      if (z === survey.shownPlane) {
        const differences = differenceMap(outputs, references, repeats);
        shown = { raw: input, denoised: output, reference: references.mean, ...present({ differences }) };
      }
    }
    options.onPlane?.();
  }
  const pixels = repeats.height * repeats.width * repeats.depth;
  const none = new Float32Array();
  return {
    averages: plan.averages,
    draws: plan.draws.length,
    references: plan.references.length,
    raw: meters.raw.finish(options.borrowed?.raw),
    denoised: meters.denoised.finish(options.borrowed?.denoised),
    ...(plan.references.length > 1 ? { referenceVariance: variance / pixels } : {}),
    removed: removed / pixels,
    inputNoise: noise.estimate(),
    shown: shown ?? { raw: none, denoised: none, reference: none },
  };
}

/** Planes that a shift is measured on. */
const shiftPlanes = 8;

async function shiftOf(
  repeats: Repeats,
  plan: LevelPlan,
  denoised: readonly DenoisedStack[],
  signal?: AbortSignal,
) {
  const first = denoised[0];
  const draw = plan.draws[0];
  const planes = Math.min(shiftPlanes, repeats.depth);
  const image = new Float32Array(repeats.height * repeats.width);
  const reference = new Float32Array(image.length);
  const raw = new Float32Array(image.length);
  for (let index = 0; index < planes && first !== undefined && draw !== undefined; index += 1) {
    const z = Math.floor(((index + 0.5) * repeats.depth) / planes);
    addTo(image, await first.readPlane(z, signal));
    addTo(reference, await readMean(repeats, plan.references, z, signal));
    addTo(raw, await readMean(repeats, draw, z, signal));
  }
  return shiftByModel(reference, raw, image, repeats);
}

function squaredDifference(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += ((a[at] ?? 0) - (b[at] ?? 0)) ** 2;
  return sum;
}
