import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../../formats/file/atomic-file.ts";
import type { CalibrationOutcome } from "../calibrate.ts";
import { type Calibration, type CalibrationImage, calibrationSchema } from "../result/result.ts";
import { psnrChart } from "./charts.ts";
import { lineChart } from "./line-chart.ts";
import { chooseCrop, type LevelPictures, levelPictures } from "./pictures.ts";
import { renderReport } from "./render-report.ts";

/** Names of the files in a report's folder. */
export const reportFiles = {
  html: "calibration.html",
  json: "calibration.json",
  csv: "calibration.csv",
  png: "calibration.png",
} as const;

/** The PNG's resolution, against the chart's own 72 dots per inch. */
const pngDensity = 216;

/** Writes the four files of a report, each whole or not at all; those of an earlier run are replaced. */
export async function writeReport(
  folder: string,
  { calibration, survey, shown }: CalibrationOutcome,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { y: height, x: width } = calibration.field_px;
  const reference = shown.at(0)?.planes.reference ?? new Float32Array();
  const crop = chooseCrop(reference, { height, width });
  const noise = Math.sqrt(
    calibration.scan_variance ?? calibration.levels[0]?.raw.naive_mean_squared_error ?? 1,
  );
  const contrast = { black: survey.low, white: survey.high, full: 2 * noise };
  const pictures: LevelPictures[] = [];
  for (const { averages, planes } of shown) {
    pictures.push(await levelPictures(averages, planes, { height, width }, crop, contrast));
  }
  const html = renderReport(calibration, pictures, {
    ...contrast,
    plane: survey.shownPlane,
    side: crop.side,
  });
  const json = `${JSON.stringify(calibrationSchema.parse(calibration), null, 2)}\n`;
  const { default: sharp } = await import("sharp");
  const png = await sharp(Buffer.from(lineChart(psnrChart(calibration))), { density: pngDensity })
    .png()
    .toBuffer();
  for (const [name, bytes] of [
    [reportFiles.html, Buffer.from(html)],
    [reportFiles.json, Buffer.from(json)],
    [reportFiles.csv, Buffer.from(csvOf(calibration))],
    [reportFiles.png, png],
  ] as const) {
    await writeFileAtomically(join(folder, name), bytes, { overwrite: true });
  }
}

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
function csvOf({ levels }: Calibration): string {
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
