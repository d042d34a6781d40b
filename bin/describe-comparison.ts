import type { Comparison } from "../calibration/compare/compare-stacks.ts";
import type { PairedDifference } from "../calibration/compare/paired-difference.ts";

/** One stack of one candidate against its reference. */
export interface ComparisonRow extends Comparison {
  readonly candidate: string;
  readonly stack: string;
}

/** Two candidates over all stacks. */
export interface CandidatePair {
  readonly first: string;
  readonly second: string;
  readonly psnr_db: PairedDifference;
  readonly ssim_published_7x7: PairedDifference;
}

const columns: readonly (readonly [string, (row: ComparisonRow) => string])[] = [
  ["reference", ({ stack }) => stack],
  ["candidate", ({ candidate }) => candidate],
  ["PSNR dB", ({ psnr_db }) => psnr_db.toFixed(2)],
  ["MSE", ({ mean_squared_error }) => mean_squared_error.toPrecision(5)],
  ["SSIM 7x7", ({ ssim_published_7x7 }) => ssim_published_7x7.toFixed(4)],
  ["7x7x7", ({ ssim_published_7x7x7 }) => ssim_published_7x7x7.toFixed(4)],
  ["sk-image", ({ ssim_scikit_image_gaussian }) => ssim_scikit_image_gaussian.toFixed(4)],
  ["resolution px", ({ resolution_px }) => (resolution_px === null ? "< 2" : resolution_px.toFixed(1))],
  ["slope", ({ slope }) => slope.toFixed(4)],
  ["offset", ({ offset }) => offset.toFixed(2)],
  ["shift y, x px", ({ shift_y_px, shift_x_px }) => `${shift_y_px.toFixed(2)}, ${shift_x_px.toFixed(2)}`],
];
const namesEnd = 2;

/** All figures, a line per stack and candidate, candidates of one stack below each other. */
export function comparisonTable(rows: readonly ComparisonRow[]): string {
  const byStack = [...new Set(rows.map(({ stack }) => stack))].flatMap((stack) =>
    rows.filter((row) => row.stack === stack),
  );
  const lines = [
    columns.map(([heading]) => heading),
    ...byStack.map((row) => columns.map(([, cell]) => cell(row))),
  ];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column < namesEnd ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

export function describePair({ first, second, ...paired }: CandidatePair): string {
  return (
    `\n${first} less ${second}\n` +
    `  PSNR      ${differenceText(paired.psnr_db, 2, " dB")}\n` +
    `  SSIM 7x7  ${differenceText(paired.ssim_published_7x7, 4, "")}\n`
  );
}

function differenceText(difference: PairedDifference, digits: number, unit: string): string {
  const { mean, low, high, stacks, first_better, second_better, sign_test_p } = difference;
  const interval =
    low === undefined || high === undefined
      ? "too few stacks for an interval"
      : `${low.toFixed(digits)} to ${high.toFixed(digits)}`;
  return (
    `${mean.toFixed(digits)}${unit} (${interval}); higher in ${first_better}, lower in ${second_better} ` +
    `of ${stacks}, sign test p = ${sign_test_p.toPrecision(2)}`
  );
}
