import type { LevelMeasurement } from "../measure/measure-level.ts";
import type { DetailBand } from "../metrics/detail-transfer.ts";

/** What a model does beside removing noise. Each word stands only on what was measured against independent repeats. */
export type VerdictName = "unchanged" | "rescales" | "shifts" | "blurs" | "sharpens" | "invents";

export interface ModelVerdict {
  readonly verdict: VerdictName;
  /** A sentence with its figures. */
  readonly evidence: string;
}

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
export const smallestWeight = 0.002;
/** This share of a band's detail, at least, and of all detail, must be no filtered truth. */
const addedInBand = 0.05;
const addedInAll = 0.002;

/** What gains by frequency are divided by: the intensity slope of large structures, 1 where it says nothing. */
export function heightOf(slope: number): number {
  return Number.isFinite(slope) && slope > 0 ? slope : 1;
}

/** Says what was measured at one level; empty where the model only removes noise. */
export function verdictsOf(level: LevelMeasurement): readonly ModelVerdict[] {
  const { denoised, raw } = level;
  const noise = raw.variance ?? (level.referenceVariance ?? Number.NaN) / level.averages;
  if (level.removed === 0 || level.removed < unchangedBelow * noise) {
    return [{ verdict: "unchanged", evidence: "The output is the input: nothing was removed." }];
  }
  return [...rescales(denoised, raw), ...shifts(denoised), ...changesDetail(denoised), ...invents(denoised)];
}

type Measured = LevelMeasurement["denoised"];

/** Against the input, so that exposures of different brightness are not laid at the model's door. */
function rescales({ line, slopeError }: Measured, raw: Measured): readonly ModelVerdict[] {
  const slope = line.slope / raw.line.slope;
  const deviation = Math.abs(slope - 1);
  if (!(deviation > Math.max(allowedGain, standardErrors * slopeError))) return [];
  return [
    {
      verdict: "rescales",
      evidence: `Large structures come out at ${slope.toFixed(3)} times their intensity (plus ${(line.offset - slope * raw.line.offset).toFixed(1)}): brightness differs from the raw data by ${percent(deviation)}.`,
    },
  ];
}

function shifts({ shift }: Measured): readonly ModelVerdict[] {
  const distance = Math.hypot(shift.y, shift.x);
  if (distance < allowedShift) return [];
  return [
    {
      verdict: "shifts",
      evidence: `The result lies ${shift.y.toFixed(2)} pixels lower and ${shift.x.toFixed(2)} pixels further right than the raw data.`,
    },
  ];
}

function changesDetail({ detail, line }: Measured): readonly ModelVerdict[] {
  const scale = heightOf(line.slope);
  const shown = detail.filter(({ gain, weight }) => gain !== undefined && weight >= smallestWeight);
  const blurred = shown.filter(({ gain }) => gain !== undefined && gain.high / scale < blurBelow);
  const sharpened = shown.filter(({ gain }) => gain !== undefined && gain.low / scale > sharpenAbove);
  return [
    ...(blurred.length === 0
      ? []
      : [{ verdict: "blurs" as const, evidence: detailSentence("passed on at", worst(blurred, 1), scale) }]),
    ...(sharpened.length === 0
      ? []
      : [
          {
            verdict: "sharpens" as const,
            evidence: detailSentence("raised to", worst(sharpened, -1), scale),
          },
        ]),
  ];
}

/**
 * Smoothing that changes from place to place (median, bilateral, networks) also gives what no single filter of the
 * truth does, but its gains stay between 0 and the largest that was measured.
 */
function invents({ detail, line }: Measured): readonly ModelVerdict[] {
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
  if (first?.added === undefined || inAll < addedInAll) return [];
  return [
    {
      verdict: "invents",
      evidence: `${percent(first.added.value)} of what every result shows at periods of ${periods(first)} pixels is not in the field (${percent(first.added.low)} to ${percent(first.added.high)}).`,
    },
  ];
}

function detailSentence(what: string, band: DetailBand, scale: number): string {
  const gain = band.gain ?? { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  return `Detail with periods of ${periods(band)} pixels is ${what} ${percent(gain.value / scale)} (${percent(gain.low / scale)} to ${percent(gain.high / scale)}).`;
}

function worst(bands: readonly DetailBand[], direction: 1 | -1): DetailBand {
  return bands.reduce((a, b) =>
    direction * (b.gain?.value ?? 0) < direction * (a.gain?.value ?? 0) ? b : a,
  );
}

function periods({ from, to }: DetailBand): string {
  return `${(1 / to).toFixed(1)} to ${(1 / from).toFixed(1)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
