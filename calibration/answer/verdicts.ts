import type { LevelMeasurement } from "../measure/measure-level.ts";
import type { DetailBand } from "../metrics/detail-transfer.ts";
import type { Estimate } from "../metrics/intervals.ts";
import type { CalibrationLevel } from "../result/result.ts";

/** What a model does beside removing noise. Each word stands only on what was measured against independent repeats. */
type ModelVerdict = CalibrationLevel["verdicts"][number];

/** Less of the noise than this is taken away by something that does nothing. */
const unchangedBelow = 1e-3;
/** Gain of large structures may differ from 1 by this, or by so many of its standard errors. */
const allowedGain = 0.02;
const standardErrors = 4;
/** Pixels. */
const allowedShift = 0.25;
/** Detail may be passed on with a gain between these. */
const blurBelow = 0.9;
const sharpenAbove = 1.1;
/** Bands with less of the detail than this are not worth a word. */
const smallestWeight = 0.002;
/** This share of a band's detail, at least, and of all detail, must be no filtered truth. */
const addedInBand = 0.05;
const addedInAll = 0.002;

/** What gains by frequency are divided by: the intensity slope of large structures, 1 where it says nothing. */
function heightOf(slope: number): number {
  return Number.isFinite(slope) && slope > 0 ? slope : 1;
}

/** Says what was measured at one level; empty where the model only removes noise. */
export function verdictsOf(level: LevelMeasurement): readonly ModelVerdict[] {
  const { denoised, raw } = level;
  const noise = raw.variance ?? (level.referenceVariance ?? Number.NaN) / level.averages;
  if (level.removed === 0 || level.removed < unchangedBelow * noise) {
    return [{ verdict: "unchanged", evidence: "The output is the input: nothing was removed." }];
  }
  const scale = heightOf(denoised.line.slope);
  const shown = denoised.detail.flatMap(({ gain, ...band }) =>
    gain !== undefined && band.weight >= smallestWeight ? [{ ...band, gain }] : [],
  );
  const blurred = shown.filter(({ gain }) => gain.high / scale < blurBelow);
  const sharpened = shown.filter(({ gain }) => gain.low / scale > sharpenAbove);
  const found: readonly (readonly [ModelVerdict["verdict"], string | undefined])[] = [
    ["rescales", rescales(denoised, raw)],
    ["shifts", shifts(denoised)],
    ["blurs", changesDetail("passed on at", blurred, 1, scale)],
    ["sharpens", changesDetail("raised to", sharpened, -1, scale)],
    ["invents", invents(denoised)],
  ];
  return found.flatMap(([verdict, evidence]) => (evidence === undefined ? [] : [{ verdict, evidence }]));
}

type Measured = LevelMeasurement["denoised"];

/** Against the input, so that exposures of different brightness are not laid at the model's door. */
function rescales({ line, slopeError }: Measured, raw: Measured): string | undefined {
  const slope = line.slope / raw.line.slope;
  const deviation = Math.abs(slope - 1);
  if (!(deviation > Math.max(allowedGain, standardErrors * slopeError))) return undefined;
  return `Large structures come out at ${slope.toFixed(3)} times their intensity (plus ${(line.offset - slope * raw.line.offset).toFixed(1)}): brightness differs from the raw data by ${percent(deviation)}.`;
}

function shifts({ shift }: Measured): string | undefined {
  if (Math.hypot(shift.y, shift.x) < allowedShift) return undefined;
  return `The result lies ${shift.y.toFixed(2)} pixels lower and ${shift.x.toFixed(2)} pixels further right than the raw data.`;
}

/** Names the band with the lowest gain (`direction` 1) or the highest (-1). */
function changesDetail(
  what: string,
  bands: readonly (DetailBand & { readonly gain: Estimate })[],
  direction: 1 | -1,
  scale: number,
): string | undefined {
  if (bands.length === 0) return undefined;
  const worst = bands.reduce((a, b) => (direction * b.gain.value < direction * a.gain.value ? b : a));
  const { value, low, high } = worst.gain;
  return `Detail with periods of ${periods(worst)} pixels is ${what} ${percent(value / scale)} (${percent(low / scale)} to ${percent(high / scale)}).`;
}

/**
 * Smoothing that changes from place to place (median, bilateral, networks) also gives what no single filter of the
 * truth does, but its gains stay between 0 and the largest that was measured.
 */
function invents({ detail, line }: Measured): string | undefined {
  const largestGain = Math.max(heightOf(line.slope), ...detail.map(({ gain }) => gain?.value ?? 0));
  const added = detail.filter(({ added, weight }) => added !== undefined && weight >= smallestWeight);
  const inAll = added.reduce((sum, band) => sum + band.weight * Math.max(0, band.added?.value ?? 0), 0);
  const strong = added.filter(
    ({ added, accountedFor }) =>
      (added?.low ?? 0) > addedInBand && (accountedFor === undefined || accountedFor.high * largestGain < 1),
  );
  const first = strong.reduce<DetailBand | undefined>(
    (most, band) =>
      (band.added?.value ?? 0) * band.weight > (most?.added?.value ?? 0) * (most?.weight ?? 0) ? band : most,
    undefined,
  );
  if (first?.added === undefined || inAll < addedInAll) return undefined;
  return `${percent(first.added.value)} of what every result shows at periods of ${periods(first)} pixels is not in the field (${percent(first.added.low)} to ${percent(first.added.high)}).`;
}

function periods({ from, to }: DetailBand): string {
  return `${(1 / to).toFixed(1)} to ${(1 / from).toFixed(1)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/**
 * The headline names detail of which less than this comes through: at 1/√2 of its height a structure has lost half of
 * its power, which is where filters are said to begin to cut. A smaller loss is still told in a sentence.
 */
const headlineGain = Math.SQRT1_2;

/** Periods up to here are fine detail; pixels. */
const finePeriod = 10;

/** "fine detail (periods of 3.3 to 5.0 px) comes through at 53 %"; undefined where no detail is lost that far. */
export function lostDetail({ denoised }: CalibrationLevel): string | undefined {
  const { detail, intensity_slope: slope } = denoised;
  const scale = heightOf(slope);
  const lost = detail.flatMap(({ from_cycles_per_px: from, to_cycles_per_px: to, gain, share_of_detail }) =>
    gain !== undefined && share_of_detail >= smallestWeight && gain.value / scale < headlineGain
      ? [{ from, to, share: gain.value / scale }]
      : [],
  );
  const [first] = lost.sort((a, b) => a.share - b.share);
  if (first === undefined) return undefined;
  const [shortest, longest] = [1 / first.to, 1 / first.from];
  const detailOf = shortest < finePeriod ? "fine detail" : "detail";
  return `${detailOf} (periods of ${shortest.toFixed(1)} to ${longest.toFixed(1)} px) comes through at ${Math.max(0, 100 * first.share).toFixed(0)} %`;
}
