import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { nameLimits } from "../file/name-limit.ts";

/** What a MetaMorph `.nd` file says of the files beside it. */
export interface NdText {
  readonly timePoints: number;
  /** Whether names have `_t1`, `_s1`, `_w1`. */
  readonly inNames: { readonly t: boolean; readonly s: boolean; readonly w: boolean };
  /** Their names; one without a name where there are no stage positions. */
  readonly stages: readonly string[];
  readonly waves: readonly NdWave[];
  /** Planes of a Z series; 1 without one. */
  readonly zSteps: number;
  readonly zStepUm: number | undefined;
}

export interface NdWave {
  readonly name: string;
  /** Whether its files hold a Z series where there is one. */
  readonly inZ: boolean;
}

/** More stage positions or wavelengths than this no microscope has. */
const mostEntries = 20_000;

export function looksLikeNd(text: string): boolean {
  return /^\uFEFF?"NDInfoFile"/.test(text);
}

/**
 * Lines `"Key", value` between `"NDInfoFile"` and `"EndFile"`; a value that goes on over lines has no key there. Keys as
 * MetaMorph (versions 1.0 and 2.0) and VisiView write them. Throws `EdgeError` where the file is cut or says what we do not read.
 */
export function readNd(text: string, file: string): NdText {
  const said = new Map<string, string>();
  for (const line of text.split(/\r\n|\r|\n/)) {
    const [, key = "", value = ""] = /^\uFEFF?"([^"]*)"\s*(?:,(.*))?$/.exec(line.trim()) ?? [];
    // Of stages thousands of lines, of keys not more.
    if (key !== "" && !said.has(key)) said.set(key, unquoted(value));
  }
  if (!said.has("EndFile")) {
    throw formatError("the .nd file is cut: its last line is missing", {
      code: "nd-cut",
      file,
      allowed: '"EndFile"',
      remedy: "Wait until it is written completely, or copy it again",
      retryable: true,
    });
  }
  const flag = (key: string): boolean => said.get(key)?.toUpperCase() === "TRUE";
  const count = (key: string, does: string): number => {
    if (!flag(does)) return 1;
    const value = said.get(key) ?? "";
    const number = /^\d{1,15}$/.test(value) ? Number(value) : 0;
    if (number < 1)
      throw refuseNd(file, "a count of the .nd file is none", `${key} ${JSON.stringify(value)}`);
    if (number > mostEntries) {
      const allowed = `at most ${mostEntries}`;
      throw refuseNd(file, "the .nd file counts more than is allowed", `${key} ${number}`, allowed);
    }
    return number;
  };
  const timePoints = count("NTimePoints", "DoTimelapse");
  const stages = Array.from({ length: count("NStagePositions", "DoStage") }, (_, index) =>
    flag("DoStage") ? (said.get(`Stage${index + 1}`) ?? "") : "",
  );
  const waves = Array.from({ length: count("NWavelengths", "DoWave") }, (_, index): NdWave => {
    const inZ = said.get(`WaveDoZ${index + 1}`)?.toUpperCase() !== "FALSE";
    return { name: flag("DoWave") ? (said.get(`WaveName${index + 1}`) ?? "") : "", inZ };
  });
  const long = waves.find(({ name }) => name.length > nameLimits.usual);
  if (long !== undefined) {
    const [found, allowed] = [`${long.name.length} characters`, `at most ${nameLimits.usual}`];
    throw refuseNd(file, "a wavelength's name is longer than the name of a file can be", found, allowed);
  }
  const split = waves.find(({ name }) => name === "Both lasers" || name.startsWith("DUAL"));
  if (split !== undefined) {
    throw refuseNd(
      file,
      "two channels side by side in one image are not read",
      `wavelength ${JSON.stringify(split.name)}`,
    );
  }
  for (const [index] of waves.entries()) {
    const collected = said.get(`WavePointsCollected${index + 1}`)?.split(",").length ?? timePoints;
    if (collected < timePoints) {
      const found = `wavelength ${index + 1} at ${collected} of ${timePoints} time points`;
      throw refuseNd(file, "a wavelength that is not taken at each time point is not read", found);
    }
  }
  const step = Number((said.get("ZStepSize") ?? "").replace(",", "."));
  return {
    timePoints,
    inNames: { t: flag("DoTimelapse"), s: flag("DoStage"), w: flag("DoWave") },
    stages,
    waves,
    zSteps: count("NZSteps", "DoZSeries"),
    zStepUm: flag("DoZSeries") && Number.isFinite(step) && step > 0 ? step : undefined,
  };
}

function unquoted(value: string): string {
  return value.trim().replace(/^"(.*)"$/, "$1");
}

function refuseNd(file: string, what: string, found: string, allowed?: string): EdgeError {
  return unsupportedError(what, {
    code: "nd-not-read",
    file,
    found,
    ...(allowed !== undefined && { allowed }),
    remedy: "Export the acquisition as OME-TIFF, for example from Fiji with Bio-Formats",
  });
}

/** What the name of a file beside an `.nd` file counts, from 1. */
export interface NdNumbers {
  readonly w: number;
  readonly s: number;
  readonly t: number;
}

/** Parts of a name behind the `.nd` file's own: the wavelength with its name, stage position, time point. */
const nameParts = /^(_w[0-9].*?)?(?:_s([0-9]{1,9}))?(?:_t([0-9]{1,9}))?\.(?:tiff?|stk)$/i;

/** Whether a name is made as MetaMorph makes those of the files of the `.nd` file `stem`. */
export function isNamedByNd(stem: string, name: string): boolean {
  if (!name.toLowerCase().startsWith(stem.toLowerCase())) return false;
  const [, ...parts] = nameParts.exec(name.slice(stem.length)) ?? [];
  return parts.some((part) => part !== undefined);
}

/** Reads the names of the files that the `.nd` file `stem` means; undefined for others. */
export function ndNameReader({ inNames, timePoints, stages, waves }: NdText, stem: string) {
  const waveOf = waveReader(waves);
  const number = (isIn: boolean, text: string | undefined, count: number): number | undefined => {
    if (!isIn || text === undefined) return isIn === (text !== undefined) ? 1 : undefined;
    return Number(text) >= 1 && Number(text) <= count ? Number(text) : undefined;
  };
  return (name: string): NdNumbers | undefined => {
    if (!isNamedByNd(stem, name)) return undefined;
    const [, wave, stage, time] = nameParts.exec(name.slice(stem.length)) ?? [];
    const t = number(inNames.t, time, timePoints);
    const s = number(inNames.s, stage, stages.length);
    const w = inNames.w && wave !== undefined ? waveOf(wave) : number(inNames.w, wave, 1);
    return t === undefined || s === undefined || w === undefined ? undefined : { w, s, t };
  };
}

/** `_w1488 nm` is the first of the wavelengths where that is called "488 nm". */
function waveReader(waves: readonly NdWave[]): (part: string) => number | undefined {
  const known = new Map<string, number>();
  for (const [index, { name }] of waves.entries()) {
    known.set(comparable(`_w${index + 1}`), index + 1);
    known.set(comparable(`_w${index + 1}${name}`), index + 1);
  }
  return (part) => {
    const exact = known.get(comparable(part));
    if (exact !== undefined) return exact;
    // Its name in words that differ.
    const digits = Number(/^_w([0-9]{1,9})/i.exec(part)?.[1] ?? 0);
    return digits >= 1 && digits <= waves.length ? digits : undefined;
  };
}

/** Characters that names of files may not have become hyphens, and so do underscores. */
function comparable(text: string): string {
  return text.toLowerCase().replace(/[/\\:*?"<>|_\s]/g, "-");
}
