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

const columns: readonly Column[] = [
  { heading: "reference", cell: ({ stack }) => stack },
  { heading: "candidate", cell: ({ candidate }) => candidate },
  { heading: "PSNR dB", cell: (row) => row.psnr_db.toFixed(2), figures: ["psnr_db"] },
  { heading: "PSNR fit dB", cell: (row) => row.fitted_psnr_db.toFixed(2), figures: ["fitted_psnr_db"] },
  { heading: "MSE", cell: (row) => row.mean_squared_error.toPrecision(5), figures: ["mean_squared_error"] },
  { heading: "SSIM 7x7", cell: (row) => row.ssim_published_7x7.toFixed(4), figures: ["ssim_published_7x7"] },
  { heading: "7x7x7", cell: (row) => row.ssim_published_7x7x7.toFixed(4), figures: ["ssim_published_7x7x7"] },
  {
    heading: "sk-image",
    cell: (row) => row.ssim_scikit_image_gaussian.toFixed(4),
    figures: ["ssim_scikit_image_gaussian"],
  },
  {
    heading: "sk-image fit",
    cell: (row) => row.fitted_ssim_scikit_image_gaussian.toFixed(4),
    figures: ["fitted_ssim_scikit_image_gaussian"],
  },
  {
    heading: "resolution px",
    cell: ({ resolution_px }) => (resolution_px === null ? "< 2" : resolution_px.toFixed(1)),
    figures: ["resolution_px"],
  },
  { heading: "block slope", cell: (row) => row.block_mean_slope.toFixed(4), figures: ["block_mean_slope"] },
  { heading: "offset", cell: (row) => row.block_mean_offset.toFixed(2), figures: ["block_mean_offset"] },
  { heading: "pixel slope", cell: (row) => row.pixel_slope.toFixed(4), figures: ["pixel_slope"] },
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
