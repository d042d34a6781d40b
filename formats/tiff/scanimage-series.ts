import type { Channel } from "../../core/acquisition.ts";
import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { elementCount } from "../../core/tensor.ts";
import { statedDuration, statedLength } from "../ome/units.ts";
import type { StoredAxes } from "../plane/stored-axes.ts";
import type { TiffSeries } from "./series.ts";
import type { TiffFile } from "./tiff-file.ts";

/** Characters: far above what the settings of any microscope need. */
const longestSettings = 4 * 2 ** 20;

/** Whether the Software field is ScanImage's, of version 2016 and later: its settings, a line for each. */
export function isScanImage(software: string): boolean {
  return software.startsWith("SI.");
}

/**
 * The image of a ScanImage file, whose settings stand in the Software field. Channels run fastest; then the frames of a slice, the
 * slices and the volumes. Throws `EdgeError` where the pages are others than the settings count, or where these are of a kind that
 * is not read: several regions, flyback frames among the pages, one of several files, frames and volumes at once.
 */
export function readScanImageSeries(tiff: TiffFile, software: string): TiffSeries {
  const { file, pages } = tiff;
  if (software.length > longestSettings) {
    throw unsupportedError("the settings of the ScanImage file are longer than is allowed", {
      code: "scanimage-size",
      file,
      found: `${software.length} characters`,
      allowed: `at most ${longestSettings}`,
      remedy: "Save it as OME-TIFF, for example with a script around tifffile or in Fiji",
    });
  }
  const settings = settingsOf(software);
  const value = (key: string): string => settings.get(`SI.${key}`) ?? "";
  const number = (...keys: readonly string[]): number | undefined => {
    const found = keys.map(value).find((text) => text !== "");
    return found === undefined || !/^-?(?:[0-9.]+(?:e[-+]?[0-9]+)?|Inf)$/i.test(found)
      ? undefined
      : Number(found.replace(/Inf/i, "Infinity"));
  };
  const isOn = (key: string): boolean => value(key) === "true" || value(key) === "1";
  const refuse = (what: string): EdgeError =>
    unsupportedError(what, {
      code: "scanimage-not-read",
      file,
      remedy: "Save it as OME-TIFF, for example with a script around tifffile or in Fiji",
    });

  const saved = listOf(value("hChannels.channelSave"));
  if (saved.length === 0)
    throw refuse("the settings of this ScanImage file do not say which channels it has");
  if (isOn("hRoiManager.mroiEnable"))
    throw refuse("several regions (mROI) in one ScanImage file are not read");
  const isStack = settings.has("SI.hStackManager.enable")
    ? isOn("hStackManager.enable")
    : (number("hStackManager.numSlices") ?? 1) > 1;
  const slices = isStack
    ? (number("hStackManager.actualNumSlices", "hStackManager.numSlices") ?? Number.NaN)
    : 1;
  const isFast = isStack && (isOn("hFastZ.enable") || /fast/.test(value("hStackManager.stackMode")));
  const average = number("hScan2D.logAverageFactor") ?? 1;
  const frames = isFast ? 1 : (number("hStackManager.framesPerSlice") ?? Number.NaN) / average;
  const volumes = isStack
    ? (number("hStackManager.actualNumVolumes", "hStackManager.numVolumes", "hFastZ.numVolumes") ?? 1)
    : 1;
  const perVolume = number("hStackManager.numFramesPerVolume");
  const withFlyback = number("hStackManager.numFramesPerVolumeWithFlyback");
  if (isFast && (withFlyback !== perVolume || (number("hFastZ.numDiscardFlybackFrames") ?? 0) > 0)) {
    throw refuse("flyback frames among the pages of a ScanImage file are not read");
  }
  const perFile = number("hScan2D.logFramesPerFile") ?? Number.POSITIVE_INFINITY;
  const times = isFast || frames === 1 ? volumes : frames;
  if (isStack && !isFast && frames > 1 && volumes > 1)
    throw refuse("frames, slices and volumes in one ScanImage file are not read");
  const stored = axesOf({
    pages: pages.count,
    channels: saved.length,
    slices,
    times,
    timesInSlices: isStack && !isFast && frames > 1,
  });
  if (stored === undefined || Number.isNaN(slices) || Number.isNaN(frames)) {
    throw formatError("the pages of the ScanImage file are others than its settings count", {
      code: "scanimage-pages",
      file,
      found: `${pages.count} pages`,
      allowed: `${times} times, ${slices} slices and ${saved.length} channels`,
      remedy:
        "Wait until it is written completely. An acquisition that was stopped early has to be saved anew, for example as OME-TIFF",
      retryable: true,
    });
  }
  if (Number.isFinite(perFile) && !Number.isFinite(times)) {
    throw refuse("one of several files of a ScanImage acquisition is not read alone");
  }
  const rate = isStack ? undefined : number("hRoiManager.scanFrameRate");
  return {
    file,
    members: [tiff],
    placeOf: (index) => ({ member: 0, page: index, skip: 0 }),
    facts: {
      make: "ScanImage",
      stored,
      channels: channelsOf(value("hChannels.channelName"), saved),
      pixelSize: present({
        ...fieldSizes(
          listOf(value("hRoiManager.imagingFovUm")),
          number("hRoiManager.pixelsPerLine"),
          number("hRoiManager.linesPerFrame"),
        ),
        z: length(
          slices > 1
            ? Math.abs(number("hStackManager.actualStackZStepSize", "hStackManager.stackZStepSize") ?? 0)
            : 0,
        ),
      }),
      ...present({
        timeIncrement: rate === undefined || rate <= 0 ? undefined : statedDuration(average / rate, "s"),
      }),
      original: { kind: "text", text: software },
      notes: [],
    },
  };
}

/** undefined where the pages are not exactly these. An endless number of times is as many as there are. */
function axesOf({
  pages,
  channels,
  slices,
  times,
  timesInSlices,
}: Readonly<Record<"pages" | "channels" | "slices" | "times", number>> & { readonly timesInSlices: boolean }):
  | StoredAxes
  | undefined {
  const count = Number.isFinite(times) ? times : pages / (channels * slices);
  const lengths = timesInSlices ? [slices, count, channels] : [count, slices, channels];
  const isWhole =
    lengths.every((one) => Number.isSafeInteger(one) && one > 0) && elementCount(lengths) === pages;
  return isWhole ? { letters: timesInSlices ? "ZTC" : "TZC", lengths } : undefined;
}

function settingsOf(software: string): ReadonlyMap<string, string> {
  return new Map(
    software.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const];
    }),
  );
}

/** The numbers of a MATLAB array, row by row: `[1;2]`, `[-3 4;5 6]`, `1`. */
function listOf(text: string): number[] {
  return text
    .replace(/[[\]]/g, "")
    .split(/[\s;,]+/)
    .flatMap((part) => (part === "" || Number.isNaN(Number(part)) ? [] : [Number(part)]));
}

/** `{'red';'green'}`: of all channels; those that were saved are counted from 1. */
function channelsOf(names: string, saved: readonly number[]): Channel[] {
  const all = [...names.matchAll(/'([^']*)'/g)].map(([, name]) => name);
  return saved.map((index) => present({ name: all[index - 1] }));
}

/** `corners`: x and y of the corners of the field, in µm. */
function fieldSizes(corners: readonly number[], columns: number | undefined, rows: number | undefined) {
  const side = (first: number, count: number | undefined) => {
    const places = corners.filter((_, index) => index % 2 === first).toSorted((one, other) => one - other);
    return length(count === undefined ? 0 : ((places.at(-1) ?? 0) - (places[0] ?? 0)) / count);
  };
  return { x: side(0, columns), y: side(1, rows) };
}

const length = (um: number) => (um > 0 ? statedLength(um, "µm") : undefined);
