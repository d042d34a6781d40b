import { counted } from "../../core/counted.ts";
import type { Calibration, CalibrationLevel } from "../result/result.ts";
import { mosaicTimeS, type ScanTiming, speedUp, spokenTime } from "./scan-time.ts";
import { errorAllowed, type Target } from "./target.ts";
import { lostDetail } from "./verdicts.ts";

type Answer = Calibration["answer"];
export type Meets = "yes" | "likely" | "no" | "unknown";

const noFigures = {
  averages_needed: null,
  averages_likely_needed: null,
  raw_averages_needed: null,
  speed_up: null,
  no_gain_from_averages: null,
  mosaic_time_before_s: null,
  mosaic_time_after_s: null,
} as const;

/**
 * The answer in figures and words. The smallest level that *surely* meets the target (its whole interval does) is
 * what is advised; one that only likely does is named as such. "No" is an answer.
 */
export function answerOf(facts: {
  readonly levels: readonly CalibrationLevel[];
  readonly dataRange: number;
  /** Noise variance of one scan; absent where errors against the truth are not known. */
  readonly scanVariance?: number | undefined;
  readonly target?: Target | undefined;
  readonly timing?: ScanTiming | undefined;
  /** A sentence on images that are not used; told first. */
  readonly leftOut?: string | undefined;
}): Answer {
  const { levels, scanVariance, target, timing, dataRange } = facts;
  if (scanVariance === undefined) return unknowable(levels);
  const leftOut = facts.leftOut === undefined ? [] : [facts.leftOut];
  const worthSentences = levels.slice(0, 3).flatMap(worthSentence);
  const noGain = breakPoint(levels);
  const base = { ...noFigures, no_gain_from_averages: noGain ?? null };
  const warnings = [...breakSentence(noGain), ...modelWarnings(levels)];
  if (target === undefined) {
    return {
      ...base,
      headline: worthHeadline(levels),
      sentences: [
        ...leftOut,
        ...worthSentences.slice(1),
        ...warnings,
        "Give a target (--target as-good-as=8, if 8 averages are your protocol) to learn how fast you may scan.",
      ],
    };
  }

  const rawNeeded = Math.ceil(scanVariance / errorAllowed(target, scanVariance, dataRange) - 1e-9);
  const surely = levels.find((level) => level.meets_target === "yes")?.averages;
  const likely = levels.find(
    ({ meets_target }) => meets_target === "yes" || meets_target === "likely",
  )?.averages;
  const chosen = surely ?? likely;
  const gain = chosen === undefined ? undefined : speedUp(chosen, rawNeeded, timing);
  const advised =
    chosen !== undefined && chosen < rawNeeded
      ? levels.find(({ averages }) => averages === chosen)
      : undefined;
  const lost = advised === undefined ? undefined : lostDetail(advised);
  return {
    ...base,
    target,
    averages_needed: surely ?? null,
    averages_likely_needed: likely ?? null,
    raw_averages_needed: rawNeeded,
    speed_up: gain ?? null,
    mosaic_time_before_s: timing === undefined ? null : mosaicTimeS(timing, rawNeeded),
    mosaic_time_after_s: timing === undefined || chosen === undefined ? null : mosaicTimeS(timing, chosen),
    headline: headline(target, surely, likely, rawNeeded, gain, lost),
    sentences: [
      ...leftOut,
      ...(lost === undefined ? [] : [errorCountsBoth]),
      ...worthSentences,
      ...timeSentence(timing, rawNeeded, chosen),
      ...doseSentence(rawNeeded, chosen),
      ...warnings,
    ],
  };
}

/** Whether a level meets the target; `as-good-as` also looks at resolution and at what was invented. */
export function meetsTarget(
  level: Omit<CalibrationLevel, "meets_target">,
  levels: readonly Omit<CalibrationLevel, "meets_target">[],
  target: Target,
  scanVariance: number | undefined,
  dataRange: number,
): Meets {
  const error = level.denoised.mean_squared_error;
  if (error === undefined || scanVariance === undefined) return "unknown";
  const allowed = errorAllowed(target, scanVariance, dataRange);
  if (error.value > allowed) return "no";
  if (target.kind === "as-good-as") {
    if (level.verdicts.some(({ verdict }) => verdict === "invents" || verdict === "shifts")) return "no";
    const usual = levels.find(({ averages }) => averages === target.value)?.raw.resolution_px;
    const here = level.denoised.resolution_px ?? 2;
    if (usual !== undefined && here > coarserAllowed * usual) return "no";
  }
  return error.high <= allowed ? "yes" : "likely";
}

/** Resolutions come from curves with noise of their own; a tenth is within it. */
const coarserAllowed = 1.1;

function headline(
  target: Target,
  surely: number | undefined,
  likely: number | undefined,
  rawNeeded: number,
  gain: number | undefined,
  lost: string | undefined,
): string {
  const aim = aimOf(target);
  if (surely === undefined && likely === undefined) {
    return `No: with this model no level that was recorded reaches ${aim}. The plain average needs ${counted(rawNeeded, "scan")}.`;
  }
  const averages = surely ?? likely ?? 1;
  if (averages >= rawNeeded) {
    return `No gain: ${aim} takes ${counted(averages, "scan")} with this model and ${counted(rawNeeded, "scan")} without it.`;
  }
  const certainty = surely === undefined ? "Probably" : "Yes";
  const faster = `You may scan ${factor(gain)} times faster.`;
  const reach = averages === 1 ? "reaches" : "reach";
  const plain = target.kind === "psnr" ? `, for which the plain average needs ${rawNeeded}` : "";
  if (lost === undefined)
    return `${certainty}: ${counted(averages, "scan")}, denoised, ${reach} ${aim}${plain}. ${faster}`;
  const error = target.kind === "as-good-as" ? `the error of your usual ${target.value} averages` : aim;
  return `${certainty}, but ${lost}: ${counted(averages, "scan")}, denoised, ${reach} ${error}${plain}. ${faster}`;
}

function aimOf({ kind, value }: Target): string {
  if (kind === "psnr") return `${value} dB`;
  return kind === "equivalent"
    ? `the error of ${value} raw scans`
    : `the quality of your usual ${value} averages`;
}

function worthHeadline(levels: readonly CalibrationLevel[]): string {
  const first = levels.find((level) => worthSentence(level).length > 0);
  const [worth] = first === undefined ? [] : worthSentence(first);
  if (worth === undefined || first === undefined) return "No level could be judged.";
  const lost = lostDetail(first);
  return lost === undefined ? worth : `${worth.replace(/\.$/, "")}, but ${lost}.`;
}

/** How an error as small as asked for and lost detail are true at once. */
const errorCountsBoth =
  "The error counts noise and lost detail together: the model takes away more noise than the lost detail costs. If your question depends on structures of that size, keep your averages.";

function worthSentence({ averages, denoised }: CalibrationLevel): readonly string[] {
  const worth = denoised.worth_scans;
  if (worth === undefined || worth.low === null) return [];
  const subject = averages === 1 ? "1 denoised scan is" : `${averages} scans, averaged and denoised, are`;
  if (worth.at_least || worth.value === null || worth.high === null)
    return [`${subject} worth at least ${worth.low.toFixed(1)} raw ones.`];
  return [
    `${subject} worth ${worth.value.toFixed(1)} raw ones (${worth.low.toFixed(1)} to ${worth.high.toFixed(1)}).`,
  ];
}

/** A gain below this is none to a microscopist, and within the error of the scan's own variance. */
const worthwhile = 1.02;

/** The first level from which on denoising does not surely help any more. */
function breakPoint(levels: readonly CalibrationLevel[]): number | undefined {
  const helps = levels.map(
    ({ averages, denoised }) => (denoised.worth_scans?.low ?? 0) > worthwhile * averages,
  );
  const last = helps.lastIndexOf(true);
  return levels[last + 1]?.averages;
}

function breakSentence(from: number | undefined): readonly string[] {
  if (from === undefined) return [];
  const where =
    from === 1 ? "helps at no level for sure: the" : `breaks at ${from} averages: from there on the`;
  return [`Denoising ${where} denoised image may be no nearer to the truth than the plain average.`];
}

function modelWarnings(levels: readonly CalibrationLevel[]): readonly string[] {
  const seen = new Map<string, string>();
  for (const { averages, verdicts } of levels) {
    for (const { verdict, evidence } of verdicts) {
      if (!seen.has(verdict))
        seen.set(
          verdict,
          `The model ${verdictWords[verdict]} (seen at ${counted(averages, "scan")}): ${evidence}`,
        );
    }
  }
  return [...seen.values()];
}

export const verdictWords: Readonly<Record<CalibrationLevel["verdicts"][number]["verdict"], string>> = {
  unchanged: "does nothing",
  rescales: "changes brightness",
  shifts: "moves the image",
  blurs: "blurs fine detail",
  sharpens: "exaggerates fine detail",
  invents: "adds detail that is not there",
};

function timeSentence(
  timing: ScanTiming | undefined,
  before: number,
  after: number | undefined,
): readonly string[] {
  if (timing === undefined || after === undefined) return [];
  const { fields, channels, scanS, overheadS } = timing;
  const mosaic = fields * channels > 1 ? `${fields} fields in ${channels} channels take` : "The field takes";
  return [
    `${mosaic} ${spokenTime(mosaicTimeS(timing, before))} with ${counted(before, "scan")} and ${spokenTime(mosaicTimeS(timing, after))} with ${after} (${scanS} s a scan, from ${timing.from === "option" ? "--scan-time" : `the file's ${timing.from}`}, ${overheadS} s overhead a field and channel).`,
  ];
}

function doseSentence(before: number, after: number | undefined): readonly string[] {
  if (after === undefined || after >= before) return [];
  return [
    `The light dose falls to ${((100 * after) / before).toFixed(0)} %: it is proportional to the number of scans, not to the time.`,
  ];
}

/** Exposures whose brightness differs by more than this are on different scales. */
const sameBrightness = 0.1;

/** With a single reference: what can be said, and what cannot. */
function unknowable(levels: readonly CalibrationLevel[]): Answer {
  const first = levels[0];
  const scale = first?.raw.intensity_slope ?? 1;
  const unequal = Math.abs(scale - 1) > sameBrightness;
  const nearer =
    first === undefined ? 0 : first.raw.naive_mean_squared_error - first.denoised.naive_mean_squared_error;
  const ratio =
    first === undefined ? 1 : first.raw.naive_mean_squared_error / first.denoised.naive_mean_squared_error;
  return {
    headline: unequal
      ? "The two exposures differ in brightness, so their squared difference says little about noise."
      : nearer > 0
        ? "Denoising brings this image nearer to the truth; a single reference cannot tell by how much."
        : "Denoising does not bring this image nearer to the reference.",
    sentences: [
      unequal
        ? `The low image is ${scale.toFixed(3)} times as bright as the high one; record both with the same gain, or divide the high one by its exposure.`
        : nearer > 0
          ? `What is sure: the squared error falls by ${nearer.toPrecision(3)} (the reference's own noise cancels in the difference), and at least by a factor of ${ratio.toFixed(2)}.`
          : `The squared error against the reference rises by ${(-nearer).toPrecision(3)}.`,
      "The error against the truth is unknown, so there is no unbiased PSNR, no worth in scans and no speed-up. The reference has noise of its own; only a second, independent reference could tell it from error.",
      "Record the high exposure twice, or repeat the low one 6 times or more, to learn how fast you may scan.",
      ...(first === undefined ? [] : modelWarnings([first])),
    ],
    ...noFigures,
  };
}

function factor(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(value < 10 ? 1 : 0);
}
