import { usageError } from "../core/errors.ts";
import type { Intensity, Normalization } from "../core/package-settings.ts";
import type { Shapes } from "./cnnt/expected-tensors.ts";
import { possibleHeadsOf, type ToldArchitecture } from "./cnnt/infer-architecture.ts";
import type { TrainingConfig } from "./cnnt/training-config.ts";
import { placeOfTrainingJson } from "./cnnt/training-json-place.ts";

/** What the person stated; it goes before training's JSON. */
export interface Stated {
  readonly heads?: number;
  readonly noResidual?: boolean;
  readonly normalization?: Normalization;
  readonly intensity?: Intensity;
}

export interface Told {
  readonly architecture: ToldArchitecture;
  readonly scaling: { readonly normalization: Normalization; readonly intensity: Intensity };
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
): Promise<Told> {
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
