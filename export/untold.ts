import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { usageError } from "../core/errors.ts";
import type { Intensity, Normalization } from "../core/package-settings.ts";
import type { Shapes } from "./cnnt/expected-tensors.ts";
import { possibleHeadsOf, type ToldArchitecture } from "./cnnt/infer-architecture.ts";
import type { TrainingConfig } from "./cnnt/training-config.ts";

/** What the person stated; it goes before training's JSON. */
export interface Stated {
  readonly heads?: number;
  readonly noResidual?: boolean;
  readonly normalization?: Normalization;
  readonly intensity?: Intensity;
}

/**
 * What the weights cannot tell: what was stated, else what training wrote; never a guess. Throws `EdgeError` naming
 * everything that is missing, and where training put it.
 */
export async function toldOf(
  {
    weights,
    training,
    stated,
    intensityIsFitted,
  }: {
    readonly weights: string;
    readonly training?: TrainingConfig;
    readonly stated: Stated;
    readonly intensityIsFitted: boolean;
  },
  shapes: Shapes,
): Promise<{
  readonly architecture: ToldArchitecture;
  readonly scaling: { readonly normalization: Normalization; readonly intensity: Intensity };
}> {
  const said = training?.architecture ?? {};
  const n_head = stated.heads ?? said.n_head;
  const no_residual = stated.noResidual ?? said.no_residual;
  const normalization = stated.normalization ?? training?.scaling?.normalization;
  const missing: [what: string, option: string][] = [];
  if (normalization === undefined) {
    missing.push([
      "how training scaled intensities (by percentiles, by a range, or not at all)",
      "--normalization and --intensity",
    ]);
  }
  if (n_head === undefined) {
    const possible = possibleHeadsOf(shapes, weights).join(", ");
    missing.push([`the number of attention heads (one of ${possible})`, "--heads"]);
  }
  if (no_residual === undefined) {
    missing.push(["whether the network predicts the image or the noise", "--residual / --no-residual"]);
  }
  if (normalization === undefined || n_head === undefined || no_residual === undefined) {
    throw usageError(`the weights cannot tell ${missing.map(([what]) => what).join(", nor ")}`, {
      code: "export-untold",
      file: weights,
      remedy:
        `${training === undefined ? "Add --config with training's JSON, or state" : "State"} ` +
        `${missing.map(([, option]) => option).join(", ")}` +
        (training === undefined ? `. ${await placeOfTrainingJson(weights)}` : ""),
    });
  }
  const intensity =
    stated.intensity ??
    (stated.normalization === undefined ? training?.scaling?.intensity : undefined) ??
    (intensityIsFitted ? { meaning: "uncalibrated" as const } : undefined);
  if (intensity !== undefined) {
    return { architecture: { ...said, n_head, no_residual }, scaling: { normalization, intensity } };
  }
  throw usageError("with your own normalization you must state what output intensities mean", {
    code: "export-intensity-missing",
    file: weights,
    allowed: "preserved (noisy and clean were scaled by one map) or uncalibrated (each by its own)",
    remedy: "Add --intensity, or --pairs with noisy and clean images to measure it",
  });
}

/** Checkpoints during training; the JSON comes once, at its end. Source: `CNNT_base_model_runtime.save`. */
const checkpointName = /^(?<date>\d\d-\d\d-\d{4}_T\d\d-\d\d-\d\d)_epoch-\d+\.pth$/;

/**
 * Where training put the JSON of weights that have none beside them, as a sentence. Looks into `model/` beside the
 * folder of the weights, as training lays them out unless told otherwise (`--check_path`, `--model_path`).
 */
async function placeOfTrainingJson(weights: string): Promise<string> {
  const date = checkpointName.exec(basename(weights))?.groups?.["date"];
  if (date !== undefined) {
    const folder = join(dirname(weights), "..", "model");
    const names = await readdir(folder).catch(() => []);
    const ours = names.filter((name) => name.includes(`__${date}_epoch-`) && name.endsWith(".json")).sort();
    const [first] = ours;
    if (first !== undefined) return `Training put it into ${join(folder, first)}`;
  }
  const name = `RUN__${date ?? "DATE"}_epoch-N_best.json`;
  return `Training writes it once, at its end, beside the final weights (--model_path, logs/model unless told otherwise) as ${name}`;
}
