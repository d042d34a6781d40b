import { counted } from "../../core/counted.ts";
import type { Intensity, Normalization, PackageSettings } from "../../core/package-settings.ts";

/** What a package's settings mean to a person: the rows of its card, and of what `info` tells. */
export function settingsWords(settings: PackageSettings): (readonly [label: string, words: string])[] {
  const { fixed_height_width: fixed, noise_range: noise, pairs } = settings;
  const exactly = fixed === undefined ? "" : `, exactly ${fixed.join(" x ")}`;
  return [
    ["input scaling", normalizationWords(settings.normalization)],
    ["intensities", intensityWords(settings.intensity)],
    ["intensity slope", slopeWords(pairs)],
    ["tile, overlap", `${settings.tile.join(" x ")}, ${settings.overlap.join(" x ")} (depth, height, width)`],
    ["height and width", `multiples of ${settings.spatial_multiple}${exactly}`],
    ...(noise === undefined
      ? []
      : [
          [
            "noise it was tried on",
            `${noise.join(" to ")} (smallest to largest noise over signal of the noisy images)`,
          ] as const,
        ]),
    ...(pairs === undefined ? [] : [["PSNR gained", gainWords(pairs)] as const]),
  ];
}

/** What was measured of how high structures come out, and on what: a meaning of intensities alone promises no height. */
export function slopeWords(pairs: PackageSettings["pairs"]): string {
  if (pairs?.slope === undefined)
    return "not measured on your sample, nor on pairs of noisy and clean images";
  const { median, min, max } = pairs.slope;
  const on = pairs.on === undefined ? "" : ` (${pairs.on})`;
  return (
    `median ${median.toFixed(2)} (smallest ${min.toFixed(2)}, largest ${max.toFixed(2)}) over ${counted(pairs.count, "pair")} of noisy ` +
    `and clean images${on}: pixels of the denoised against those of the clean image, divided by the same slope of the noisy ` +
    "image; not measured on your sample"
  );
}

/** What the denoised images gained, and by which definition. */
export function gainWords({ count, psnr_gain_db }: NonNullable<PackageSettings["pairs"]>): string {
  const { median, min, max } = psnr_gain_db;
  return (
    `median ${median.toFixed(1)} dB (smallest ${min.toFixed(1)}, largest ${max.toFixed(1)}) over ${counted(count, "pair")}: ` +
    "PSNR of the denoised minus that of the noisy image, each after the best gain and offset onto the clean one"
  );
}

function normalizationWords(normalization: Normalization): string {
  if (normalization.kind === "none") return "none";
  const clip = normalization.clip ? "clipped to [0, 1]" : "not clipped";
  const { low, high } = normalization;
  return normalization.kind === "fixed"
    ? `sample values ${low} to ${high} become 0 to 1, ${clip}`
    : `the ${low}th and ${high}th percentile of the whole stack become 0 and 1, ${clip}`;
}

/** What the values of an output mean. Units alone: how high structures come out is the slope's to say. */
export function intensityWords(intensity: Intensity): string {
  switch (intensity.meaning) {
    case "preserved":
      return "preserved: output values are in the input's units; whether structures keep their height is told by the slope";
    case "affine":
      return `affine: after ${intensity.gain} · x + ${intensity.offset} output values are in the input's units`;
    case "uncalibrated":
      return "uncalibrated: do not compare output values with input values or between stacks";
  }
}

/** What the measured figures among a package's settings are, for programs that read them; keys as in the settings. */
export function figureDefinitions({ noise_range, pairs }: PackageSettings): object {
  return {
    ...(noise_range === undefined
      ? {}
      : {
          noise_range:
            "smallest and largest, over the noisy images, of the standard deviation of the noise over the range of the " +
            "signal, both estimated from the image itself",
        }),
    ...(pairs === undefined
      ? {}
      : {
          pairs: {
            count:
              "pairs of a noisy and a clean image; each channel of a pair counts, all its planes and times together",
            psnr_gain_db:
              "PSNR of the denoised minus that of the noisy image, each channel of each pair after its own best gain and " +
              "offset onto the clean image (least squares); data range: the largest less the smallest clean value",
            slope:
              "least-squares slope of all pixels of the denoised against those of the clean image, divided by the same " +
              "slope of the noisy image: 1 where structures keep the height that they have in the noisy image",
          },
        }),
  };
}
