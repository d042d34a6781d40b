import { counted } from "../../core/counted.ts";
import { visible } from "../../core/errors.ts";
import type { PackageSettings } from "../../core/package-settings.ts";
import { gainWords, intensityWords, slopeWords } from "../../export/package/settings-words.ts";

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
