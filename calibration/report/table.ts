import type { CalibrationImage, CalibrationLevel } from "../result/result.ts";

type Column = readonly [heading: string, text: (level: CalibrationLevel) => string];

const columns: readonly Column[] = [
  ["scans", ({ averages }) => String(averages)],
  ["draws", ({ draws }) => String(draws)],
  ["refs", ({ references }) => String(references)],
  ["PSNR raw (dB)", ({ raw }) => estimateText(raw.psnr_db)],
  ["PSNR denoised (dB)", ({ denoised }) => estimateText(denoised.psnr_db)],
  ["naive (dB)", ({ denoised }) => denoised.naive_psnr_db?.toFixed(1) ?? "–"],
  ["worth (raw scans)", ({ denoised }) => estimateText(denoised.worth_scans)],
  ["bias (rms)", ({ denoised }) => rootText(denoised.squared_bias)],
  ["noise (rms)", ({ denoised }) => rootText(denoised.variance)],
  [
    "resolution raw / denoised (px)",
    ({ raw, denoised }) => `${resolutionText(raw)} / ${resolutionText(denoised)}`,
  ],
  ["slope", ({ denoised }) => denoised.intensity_slope.toFixed(3)],
  ["SSIM* 7x7 / 7x7x7 / sk-image", ({ denoised }) => similarityText(denoised)],
  ["target", (level) => level.meets_target ?? "–"],
];

/** The figures of all levels, as rows of text; the first row is the heading. */
export function tableOf(levels: readonly CalibrationLevel[]): readonly (readonly string[])[] {
  return [
    columns.map(([heading]) => heading),
    ...levels.map((level) => columns.map(([, text]) => text(level))),
  ];
}

/** "28.4 (28.1 to 28.8)", "at least 30.2", "–" where it cannot be known. */
function estimateText(estimate: CalibrationImage["psnr_db"]): string {
  if (estimate === undefined || estimate.low === null) return "–";
  if (estimate.at_least || estimate.value === null || estimate.high === null)
    return `at least ${estimate.low.toFixed(1)}`;
  return `${estimate.value.toFixed(1)} (${estimate.low.toFixed(1)} to ${estimate.high.toFixed(1)})`;
}

function similarityText({ ssim_biased_by_reference_noise: ssim }: CalibrationImage): string {
  return [ssim.published_7x7, ssim.published_7x7x7, ssim.scikit_image_gaussian]
    .map((value) => value.toFixed(3))
    .join(" / ");
}

function rootText(square: number | undefined): string {
  if (square === undefined) return "–";
  return square <= 0 ? "≈ 0" : Math.sqrt(square).toPrecision(3);
}

function resolutionText({ resolution_px }: CalibrationImage): string {
  return resolution_px === undefined ? "< 2" : resolution_px.toFixed(1);
}
