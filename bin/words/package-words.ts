import { counted } from "../../core/counted.ts";
import { visible } from "../../core/errors.ts";
import type { ModelPackage, PackageSettings } from "../../core/package-settings.ts";
import {
  figureDefinitions,
  gainWords,
  intensityWords,
  settingsWords,
  slopeWords,
} from "../../export/package/settings-words.ts";
import { statedTaskOf, taskWords } from "../../export/package/stated-task.ts";

/** What `info` prints of a package folder. */
export function packageAsText(model: ModelPackage): string {
  const { zoo } = model;
  const operators = [...(zoo?.before ?? []), ...(zoo?.after ?? [])].map(({ name }) => name);
  const lines: (readonly [string, string])[] = [
    ["model", `${model.name}, version ${model.version}`],
    ["make", zoo === undefined ? "package of cnnt-edge export" : "model of the bioimage.io zoo"],
    ["task", taskWords(statedTaskOf(model))],
    ...(zoo === undefined
      ? settingsWords(model.settings)
      : [["operators", operators.join(", ") || "none"] as const]),
    ["sha256", model.modelSha256],
  ];
  const width = Math.max(...lines.map(([label]) => label.length));
  return `${visible(model.dir)}\n${lines.map(([label, words]) => `  ${label.padEnd(width)}  ${visible(words)}\n`).join("")}`;
}

/** The same for programs; keys as in the package's own settings, and in words what its measured figures are. */
export function packageAsJson(model: ModelPackage): object {
  const { name, version, modelSha256, settings, zoo } = model;
  const told = zoo === undefined ? { settings, definitions: figureDefinitions(settings) } : { zoo };
  return { name, version, sha256: modelSha256, task: statedTaskOf(model), ...told };
}

/** What `export` prints at its end of what a package does to images, in the words of its card. */
export function judgedAsText({ intensity, pairs }: PackageSettings): string {
  const unmeasured = "not measured. --pairs DIR measures it on noisy and clean images";
  const lines: readonly (readonly [string, string])[] = [
    ["intensities", intensityWords(intensity)],
    ...(pairs?.slope === undefined ? [] : [["intensity slope", slopeWords(pairs)] as const]),
    ["PSNR gained", pairs === undefined ? unmeasured : gainWords(pairs)],
  ];
  return lines.map(([label, words]) => `${label}: ${visible(words)}\n`).join("");
}

/** What to say of a model that is worse than no model, on some of the pairs or on most; undefined where it never is. */
export function worseWarning(pairs: PackageSettings["pairs"]): string | undefined {
  if (pairs === undefined || pairs.psnr_gain_db.min >= 0) return undefined;
  const { count, psnr_gain_db: gain } = pairs;
  if (gain.median >= 0) {
    return (
      `on some of these pairs the model makes the image worse: PSNR falls by up to ${fall(gain.min)}. ` +
      "Denoise each of them and look at the results before you use the model"
    );
  }
  return (
    `on these pairs the model makes images worse: PSNR falls by ${fall(gain.median)} (median of ${counted(count, "pair")}). ` +
    "Check that the weights are the trained ones, that --config is theirs and that the pairs look like the training data. " +
    "Train it further before you use it"
  );
}

/** A negative gain as the size of the loss; one that would be rounded away still shows. */
function fall(gainDb: number): string {
  return gainDb > -0.05 ? "less than 0.1 dB" : `${(-gainDb).toFixed(1)} dB`;
}
