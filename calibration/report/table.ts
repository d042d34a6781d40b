import type { CalibrationImage, CalibrationLevel } from "../result/result.ts";

/** The figures of all levels, as rows of text; the first row is the heading. */
export function tableOf(levels: readonly CalibrationLevel[]): readonly (readonly string[])[] {
  const heading = [
    "scans",
    "draws",
    "refs",
    "PSNR raw (dB)",
    "PSNR denoised (dB)",
    "naive (dB)",
    "worth (raw scans)",
    "bias (rms)",
    "noise (rms)",
    "resolution raw / denoised (px)",
    "slope",
    "SSIM* 7x7 / 7x7x7 / sk-image",
    "target",
  ];
  return [heading, ...levels.map(row)];
}

function row({
  averages,
  draws,
  references,
  raw,
  denoised,
  meets_target,
}: CalibrationLevel): readonly string[] {
  const ssim = denoised.ssim_biased_by_reference_noise;
  return [
    String(averages),
    String(draws),
    String(references),
    psnrText(raw),
    psnrText(denoised),
    denoised.naive_psnr_db === null ? "–" : denoised.naive_psnr_db.toFixed(1),
    worthText(denoised),
    rootText(denoised.squared_bias),
    rootText(denoised.variance),
    `${resolutionText(raw)} / ${resolutionText(denoised)}`,
    denoised.intensity_slope.toFixed(3),
    [ssim.published_7x7, ssim.published_7x7x7, ssim.scikit_image_gaussian]
      .map((value) => value.toFixed(3))
      .join(" / "),
    meets_target ?? "–",
  ];
}

/** "28.4 (28.1 to 28.8)", "at least 30.2", "–" where it cannot be known. */
function psnrText({ psnr_db: psnr }: CalibrationImage): string {
  return estimateText(psnr, 1);
}

function worthText({ worth_scans: worth }: CalibrationImage): string {
  return estimateText(worth, 1);
}

function estimateText(estimate: CalibrationImage["psnr_db"], digits: number): string {
  if (estimate === undefined || estimate.low === null) return "–";
  if (estimate.at_least || estimate.value === null || estimate.high === null)
    return `at least ${estimate.low.toFixed(digits)}`;
  return `${estimate.value.toFixed(digits)} (${estimate.low.toFixed(digits)} to ${estimate.high.toFixed(digits)})`;
}

function rootText(square: number | undefined): string {
  if (square === undefined) return "–";
  return square <= 0 ? "≈ 0" : Math.sqrt(square).toPrecision(3);
}

function resolutionText({ resolution_px }: CalibrationImage): string {
  return resolution_px === undefined ? "< 2" : resolution_px.toFixed(1);
}
