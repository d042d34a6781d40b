import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../../formats/file/atomic-file.ts";
import type { CalibrationOutcome } from "../calibrate.ts";
import { calibrationSchema } from "../result/result.ts";
import { psnrChart } from "./charts.ts";
import { csvOf } from "./csv.ts";
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
