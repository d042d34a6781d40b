import { linearScale, logScale, type Scale } from "./chart-scale.ts";

interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** 95 % interval; infinite ends are cut at the frame. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
}

export interface ChartSeries {
  readonly name: string;
  readonly color: string;
  readonly points: readonly ChartPoint[];
  readonly dashed?: boolean;
  /** Dots at the points. */
  readonly dots?: boolean;
}

type Axis = { readonly label: string; readonly scale: "linear" | "log2" | "log10" };

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly ChartSeries[];
  /** Horizontal lines, such as a target. */
  readonly marks?: readonly { readonly y: number; readonly label: string }[];
}

const width = 520;
const height = 340;
const frame = { left: 62, right: 14, top: 62, bottom: 46 };
const ink = "#1d2430";
const faint = "#d9dee6";

/** The chart as a self-contained SVG element. */
export function lineChart(chart: Chart): string {
  const series = chart.series.filter(({ points }) => points.length > 0);
  const x = scaleOf(
    chart.x,
    series.flatMap(({ points }) => points.map((point) => point.x)),
    [frame.left, width - frame.right],
  );
  const marks = chart.marks ?? [];
  const y = scaleOf(
    chart.y,
    [
      ...series.flatMap(({ points }) =>
        points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]),
      ),
      ...marks.map((mark) => mark.y),
    ],
    [height - frame.bottom, frame.top],
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(chart.title)}" font-family="Helvetica, Arial, DejaVu Sans, sans-serif" font-size="12" fill="${ink}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${frame.left}" y="18" font-size="14" font-weight="600">${escaped(chart.title)}</text>`,
    legend(series),
    grid(chart, x, y),
    ...series.map((one) => band(one, x, y)),
    ...marks.filter((mark) => y.holds(mark.y)).map((mark) => markLine(mark, y)),
    ...series.map((one) => line(one, x, y)),
    "</svg>",
  ].join("\n");
}

function scaleOf({ scale }: Axis, values: readonly number[], ends: readonly [number, number]): Scale {
  if (scale === "linear") return linearScale(values, ends);
  return logScale(values, ends, scale === "log2" ? 2 : 10);
}

/** Widths of letters at 12 px in DejaVu Sans, the widest of the fonts: most letters, and `m`, `w` and capitals. */
const letterWidth = 7.7;
const wideLetterWidth = 12;
/** A sign, the gap to its name, and the gap to the next sign. */
const signAndGaps = 23 + 14;

/** At least as wide as the name is in any font of the chart. */
function nameWidth(name: string): number {
  const wide = name.match(/[mwA-Z%]/g)?.length ?? 0;
  return letterWidth * (name.length - wide) + wideLetterWidth * wide;
}

function legend(series: readonly ChartSeries[]): string {
  let at = frame.left;
  let row = 0;
  return series
    .map(({ name, color, dashed }) => {
      const wide = signAndGaps + nameWidth(name);
      if (at + wide > width && at > frame.left) {
        at = frame.left;
        row += 1;
      }
      const y = 36 + 15 * row;
      const entry = `<path d="M${at} ${y - 4}h18" stroke="${color}" stroke-width="2.5"${dashed ? ' stroke-dasharray="5 3"' : ""}/><text x="${at + 23}" y="${y}">${escaped(name)}</text>`;
      at += wide;
      return entry;
    })
    .join("");
}

function grid({ x: xAxis, y: yAxis }: Chart, x: Scale, y: Scale): string {
  const bottom = height - frame.bottom;
  const right = width - frame.right;
  return [
    ...y.ticks.map(({ value, label }) => {
      const at = y.place(value).toFixed(1);
      return `<path d="M${frame.left} ${at}H${right}" stroke="${faint}"/><text x="${frame.left - 7}" y="${at}" dy="4" text-anchor="end">${label}</text>`;
    }),
    ...x.ticks.map(({ value, label }) => {
      const at = x.place(value).toFixed(1);
      return `<path d="M${at} ${bottom}v5" stroke="${ink}"/><text x="${at}" y="${bottom + 18}" text-anchor="middle">${label}</text>`;
    }),
    `<path d="M${frame.left} ${bottom}H${right}" stroke="${ink}"/>`,
    `<text x="${(frame.left + right) / 2}" y="${height - 10}" text-anchor="middle">${escaped(xAxis.label)}</text>`,
    `<text transform="translate(15 ${(frame.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(yAxis.label)}</text>`,
  ].join("");
}

function band({ points, color }: ChartSeries, x: Scale, y: Scale): string {
  const within = points.filter(
    (point) => point.low !== undefined && point.high !== undefined && x.holds(point.x),
  );
  if (within.length === 0) return "";
  const clamped = (value: number | undefined, otherwise: number) =>
    value !== undefined && y.holds(value)
      ? Math.min(height - frame.bottom, Math.max(frame.top, y.place(value)))
      : otherwise;
  const upper = within.map(
    ({ x: at, high }) => `${x.place(at).toFixed(1)} ${clamped(high, frame.top).toFixed(1)}`,
  );
  const lower = within.map(
    ({ x: at, low }) => `${x.place(at).toFixed(1)} ${clamped(low, height - frame.bottom).toFixed(1)}`,
  );
  const whiskers = upper.map((end, index) => `M${end}L${lower[index]}`).join("");
  return `<path d="M${upper.join("L")}L${[...lower].reverse().join("L")}Z" fill="${color}" fill-opacity="0.16"/><path d="${whiskers}" stroke="${color}" stroke-opacity="0.55" stroke-width="1.2"/>`;
}

function line({ points, color, dashed, dots }: ChartSeries, x: Scale, y: Scale): string {
  const placed = points
    .filter((point) => x.holds(point.x) && y.holds(point.y))
    .map((point) => [x.place(point.x).toFixed(1), y.place(point.y).toFixed(1)] as const);
  if (placed.length === 0) return "";
  const path = `<path d="M${placed.map(([px, py]) => `${px} ${py}`).join("L")}" fill="none" stroke="${color}" stroke-width="2.2" stroke-linejoin="round"${dashed ? ' stroke-dasharray="5 3"' : ""}/>`;
  const circles = dots
    ? placed
        .map(
          ([px, py]) =>
            `<circle cx="${px}" cy="${py}" r="3.2" fill="#fff" stroke="${color}" stroke-width="2"/>`,
        )
        .join("")
    : "";
  return path + circles;
}

function markLine({ y: value, label }: { y: number; label: string }, y: Scale): string {
  const at = y.place(value).toFixed(1);
  return `<path d="M${frame.left} ${at}H${width - frame.right}" stroke="#7a2048" stroke-width="1.5" stroke-dasharray="2 3"/><text x="${frame.left + 4}" y="${at}" dy="-4" fill="#7a2048">${escaped(label)}</text>`;
}

/** Text for HTML and SVG, element or attribute: file names may hold anything. */
export function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
