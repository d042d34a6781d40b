import type { Calibration, CalibrationImage } from "../result/result.ts";

type Column = readonly [
  name: string,
  value: (image: CalibrationImage) => number | boolean | null | undefined,
];

const columns: readonly Column[] = [
  ["mean_squared_error", (image) => image.mean_squared_error?.value],
  ["mean_squared_error_low", (image) => image.mean_squared_error?.low],
  ["mean_squared_error_high", (image) => image.mean_squared_error?.high],
  ["psnr_db", (image) => image.psnr_db?.value],
  ["psnr_db_low", (image) => image.psnr_db?.low],
  ["psnr_db_high", (image) => image.psnr_db?.high],
  ["psnr_at_least", (image) => image.psnr_db?.at_least],
  ["naive_psnr_db", (image) => image.naive_psnr_db],
  ["variance", (image) => image.variance],
  ["squared_bias", (image) => image.squared_bias],
  ["worth_scans", (image) => image.worth_scans?.value],
  ["worth_scans_low", (image) => image.worth_scans?.low],
  ["worth_scans_high", (image) => image.worth_scans?.high],
  ["ssim_published_7x7_biased", (image) => image.ssim_biased_by_reference_noise.published_7x7],
  ["ssim_published_7x7x7_biased", (image) => image.ssim_biased_by_reference_noise.published_7x7x7],
  ["ssim_scikit_image_biased", (image) => image.ssim_biased_by_reference_noise.scikit_image_gaussian],
  ["resolution_px", (image) => image.resolution_px],
  ["intensity_slope", (image) => image.intensity_slope],
  ["intensity_offset", (image) => image.intensity_offset],
  ["shift_y_px", (image) => image.shift.y_px],
  ["shift_x_px", (image) => image.shift.x_px],
  ["squares_beyond_noise", (image) => image.squares_beyond_noise],
];

/** One line per level and kind of image (RFC 4180); what is not known is empty. */
export function csvOf({ levels }: Calibration): string {
  const heading = ["averages", "draws", "references", "image", ...columns.map(([name]) => name), "verdicts"];
  const lines = levels.flatMap((level) =>
    (["raw", "denoised"] as const).map((kind) => [
      level.averages,
      level.draws,
      level.references,
      kind,
      ...columns.map(([, value]) => value(level[kind]) ?? ""),
      kind === "denoised" ? level.verdicts.map(({ verdict }) => verdict).join(" ") : "",
    ]),
  );
  return `${[heading, ...lines].map((line) => line.join(",")).join("\r\n")}\r\n`;
}
