import type { StackComparison } from "../../calibration/compare/compare-stacks.ts";
import type { ComparisonDefinitions } from "../../calibration/compare/comparison-definitions.ts";
import type { PairedDifference } from "../../calibration/compare/paired-difference.ts";

/** One stack of one candidate against its reference. */
export interface ComparisonRow extends StackComparison {
  readonly candidate: string;
  readonly stack: string;
}

/** Two candidates over all stacks. */
export interface CandidatePair {
  readonly first: string;
  readonly second: string;
  readonly psnr_db: PairedDifference;
  readonly fitted_psnr_db: PairedDifference;
  readonly ssim_published_7x7: PairedDifference;
}

interface Column {
  readonly heading: string;
  readonly cell: (row: ComparisonRow) => string;
  /** What the column shows; names need no definition. */
  readonly figures?: readonly (keyof StackComparison)[];
}

/** A column of one figure, with so many digits after the point. */
function figure(heading: string, key: Exclude<keyof StackComparison, "resolution_px">, digits: number) {
  return { heading, cell: (row: ComparisonRow) => row[key].toFixed(digits), figures: [key] };
}

const columns: readonly Column[] = [
  { heading: "reference", cell: ({ stack }) => stack },
  { heading: "candidate", cell: ({ candidate }) => candidate },
  figure("PSNR dB", "psnr_db", 2),
  figure("PSNR fit dB", "fitted_psnr_db", 2),
  { heading: "MSE", cell: (row) => row.mean_squared_error.toPrecision(5), figures: ["mean_squared_error"] },
  figure("SSIM 7x7", "ssim_published_7x7", 4),
  figure("7x7x7", "ssim_published_7x7x7", 4),
  figure("sk-image", "ssim_scikit_image_gaussian", 4),
  figure("sk-image fit", "fitted_ssim_scikit_image_gaussian", 4),
  {
    heading: "resolution px",
    cell: ({ resolution_px }) => (resolution_px === null ? "< 2" : resolution_px.toFixed(1)),
    figures: ["resolution_px"],
  },
  figure("block slope", "block_mean_slope", 4),
  figure("offset", "block_mean_offset", 2),
  figure("pixel slope", "pixel_slope", 4),
  {
    heading: "shift y, x px",
    cell: ({ shift_y_px, shift_x_px }) => `${shift_y_px.toFixed(2)}, ${shift_x_px.toFixed(2)}`,
    figures: ["shift_y_px", "shift_x_px"],
  },
];
const namesEnd = 2;

/** All figures, a line per stack and candidate, candidates of one stack below each other. */
export function comparisonTable(rows: readonly ComparisonRow[]): string {
  const byStack = [...new Set(rows.map(({ stack }) => stack))].flatMap((stack) =>
    rows.filter((row) => row.stack === stack),
  );
  const lines = [
    columns.map(({ heading }) => heading),
    ...byStack.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  const padded = (cell: string, column: number): string =>
    column < namesEnd ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return lines.map((line) => `${line.map(padded).join("  ").trimEnd()}\n`).join("");
}

/** What each column of the table is. */
export function comparisonLegend(definitions: ComparisonDefinitions): string {
  const explained = columns.flatMap(({ heading, figures = [] }) =>
    figures.length === 0 ? [] : [[heading, figures.map((figure) => definitions[figure]).join("; ")] as const],
  );
  const lines = [...explained, ["data range", definitions.data_range] as const];
  const width = Math.max(...lines.map(([heading]) => heading.length));
  return (
    "\nAll planes, channels and times of a file are taken together; the reference's noise counts as error.\n" +
    lines.map(([heading, words]) => `  ${heading.padEnd(width)}  ${words}\n`).join("")
  );
}

export function describePair({ first, second, ...paired }: CandidatePair): string {
  return (
    `\n${first} less ${second}\n` +
    `  PSNR as is      ${differenceText(paired.psnr_db, 2, " dB")}\n` +
    `  PSNR after fit  ${differenceText(paired.fitted_psnr_db, 2, " dB")}\n` +
    `  SSIM 7x7        ${differenceText(paired.ssim_published_7x7, 4, "")}\n`
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
