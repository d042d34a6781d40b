import { counted } from "../../core/counted.ts";
import type { Calibration, CalibrationImage, CalibrationLevel } from "../result/result.ts";
import { type Chart, type ChartSeries, lineChart } from "./line-chart.ts";

const colors = { denoised: "#0b5fa5", raw: "#c2571a", naive: "#7d8794", bias: "#7a2048" } as const;

const averagesAxis = { label: "scans averaged", scale: "log2" } as const;

/** All curves of the report as SVG, in reading order; curves without data are left out. */
export function chartsOf(calibration: Calibration): readonly string[] {
  const known = calibration.scan_variance !== undefined;
  return [
    ...(known
      ? [psnrChart(calibration), worthChart(calibration), biasChart(calibration)]
      : [naiveChart(calibration)]),
    detailChart(calibration),
    correlationChart(calibration),
    intensityChart(calibration),
  ]
    .filter(({ series }) => series.some(({ points }) => points.length > 0))
    .map(lineChart);
}

/** The curve that answers the question; also written as PNG. */
export function psnrChart({ levels, data_range, scan_variance, answer }: Calibration): Chart {
  const psnr = (of: "raw" | "denoised"): ChartSeries["points"] =>
    levels.flatMap(({ averages, [of]: image }) => pointOf(averages, image.psnr_db));
  const law =
    scan_variance === undefined
      ? []
      : levels.map(({ averages }) => ({
          x: averages,
          y: 10 * Math.log10((data_range ** 2 * averages) / scan_variance),
        }));
  const target = answer.target;
  const aim =
    target === undefined
      ? undefined
      : target.kind === "psnr"
        ? target.value
        : 10 * Math.log10((data_range ** 2 * target.value) / (scan_variance ?? Number.NaN));
  return {
    title: "Nearness to the unseen truth, with 95 % intervals",
    x: averagesAxis,
    y: { label: "PSNR (dB)", scale: "linear" },
    series: [
      { name: "denoised", color: colors.denoised, points: psnr("denoised"), dots: true },
      { name: "raw average", color: colors.raw, points: psnr("raw"), dots: true },
      { name: "noise / n", color: colors.raw, points: law, dashed: true },
      { name: "denoised, naive", color: colors.naive, points: naive(levels), dashed: true },
    ],
    ...(aim === undefined ? {} : { marks: [{ y: aim, label: `target: ${aim.toFixed(1)} dB` }] }),
  };
}

/** None where nothing is known; what may be without bound is drawn from its lower end on. */
function pointOf(averages: number, estimate: CalibrationImage["psnr_db"]): ChartSeries["points"] {
  if (estimate === undefined || estimate.low === null) return [];
  const { value, low, high } = estimate;
  return [{ x: averages, y: value ?? low, low, high: high ?? Number.POSITIVE_INFINITY }];
}

function naive(levels: readonly CalibrationLevel[], of: "raw" | "denoised" = "denoised") {
  return levels.flatMap(({ averages, [of]: { naive_psnr_db: y } }) =>
    y === null ? [] : [{ x: averages, y }],
  );
}

function naiveChart({ levels }: Calibration): Chart {
  return {
    title: "Against the one noisy reference (biased)",
    x: averagesAxis,
    y: { label: "naive PSNR (dB)", scale: "linear" },
    series: [
      { name: "denoised", color: colors.denoised, points: naive(levels), dots: true },
      { name: "raw", color: colors.raw, points: naive(levels, "raw"), dots: true },
    ],
  };
}

function worthChart({ levels }: Calibration): Chart {
  const points = levels.flatMap(({ averages, denoised }) => pointOf(averages, denoised.worth_scans));
  const noGain = levels.map(({ averages }) => ({ x: averages, y: averages }));
  return {
    title: "What a denoised image is worth in raw scans",
    x: averagesAxis,
    y: { label: "raw scans averaged", scale: "log10" },
    series: [
      { name: "denoised", color: colors.denoised, points, dots: true },
      { name: "no gain", color: colors.raw, points: noGain, dashed: true },
    ],
  };
}

function biasChart({ levels, data_range }: Calibration): Chart {
  const shares = (of: (level: CalibrationLevel) => number | undefined) =>
    levels.flatMap((level) => {
      const value = of(level) ?? 0;
      return value <= 0 ? [] : [{ x: level.averages, y: (100 * Math.sqrt(value)) / data_range }];
    });
  const bias = shares(({ denoised }) => denoised.squared_bias);
  const noise = shares(({ denoised }) => denoised.variance);
  const rawNoise = shares(({ raw }) => raw.variance);
  return {
    title: "Blur or noise? The denoised error in its two parts",
    x: averagesAxis,
    y: { label: "% of the intensity range (rms)", scale: "log10" },
    series: [
      { name: "bias (stays)", color: colors.bias, points: bias, dots: true },
      { name: "noise (averages out)", color: colors.denoised, points: noise, dots: true },
      { name: "noise of the raw average", color: colors.raw, points: rawNoise, dashed: true },
    ],
  };
}

function detailChart({ levels }: Calibration): Chart {
  return {
    title: "How much of the field's detail is passed on",
    x: { label: "spatial frequency (cycles per pixel)", scale: "linear" },
    y: { label: "gain (1: untouched)", scale: "linear" },
    series: chosenSeries(levels, ({ detail }) =>
      detail.flatMap(({ from_cycles_per_px: from, to_cycles_per_px: to, gain }) =>
        gain === undefined ? [] : [{ x: (from + to) / 2, y: gain.value, low: gain.low, high: gain.high }],
      ),
    ),
    marks: [{ y: 1, label: "" }],
  };
}

function correlationChart({ levels }: Calibration): Chart {
  const [first] = levels;
  const curve = (of: "raw" | "denoised") => {
    const ring = first?.[of].ring_correlation;
    return (ring?.cycles_per_px ?? []).map((x, index) => ({ x, y: ring?.correlation[index] ?? 0 }));
  };
  return {
    title: `Ring correlation with the references, ${counted(first?.averages ?? 1, "scan")}`,
    x: { label: "spatial frequency (cycles per pixel)", scale: "linear" },
    y: { label: "correlation", scale: "linear" },
    series: [
      { name: "denoised", color: colors.denoised, points: curve("denoised") },
      { name: "raw", color: colors.raw, points: curve("raw") },
    ],
    marks: [{ y: 1 / 7, label: "1/7" }],
  };
}

function intensityChart({ levels }: Calibration): Chart {
  const all = levels.flatMap(({ denoised }) => denoised.intensity_bins.map(({ reference }) => reference));
  const ends = all.length === 0 ? [] : [Math.min(...all), Math.max(...all)];
  return {
    title: "Is brightness kept?",
    x: { label: "reference (grey values)", scale: "linear" },
    y: { label: "denoised (grey values)", scale: "linear" },
    series: [
      ...chosenSeries(levels, ({ intensity_bins: bins }) =>
        bins.map(({ reference, image }) => ({ x: reference, y: image })),
      ),
      { name: "equal", color: colors.naive, dashed: true, points: ends.map((end) => ({ x: end, y: end })) },
    ],
  };
}

const shades = ["#08306b", "#2171b5", "#6baed6"];

/** Of the lowest, middle and highest level: more curves in one chart cannot be told apart. */
function chosenSeries(
  levels: readonly CalibrationLevel[],
  pointsOf: (denoised: CalibrationImage) => ChartSeries["points"],
): readonly ChartSeries[] {
  const middle = Math.floor(levels.length / 2);
  const chosen = levels.length <= 3 ? levels : [levels[0], levels[middle], levels.at(-1)];
  return chosen
    .filter((level) => level !== undefined)
    .map(({ averages, denoised }, index) => ({
      name: counted(averages, "scan"),
      color: shades[index] ?? colors.denoised,
      dots: true,
      points: pointsOf(denoised),
    }));
}
