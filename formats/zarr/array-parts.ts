import { type SampleType, sampleTypes } from "../../core/acquisition.ts";
import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";

/** What the metadata of arrays have in common in versions 2 and 3. All throw `EdgeError`; `file` is that with the metadata. */

/** Nobody writes more; the axes of an image are five. */
const mostAxes = 8;
/** Bytes of one decoded chunk. */
const largestChunkBytes = 2 ** 30;

/** Lengths of the axes of an array, each at least 0. */
export function shapeOf(stated: unknown, file: string): number[] {
  const isLength = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (Array.isArray(stated) && stated.length > 0 && stated.length <= mostAxes && stated.every(isLength)) {
    return stated;
  }
  throw damaged(file, "shape", stated, `1 to ${mostAxes} lengths`);
}

/** Lengths of a chunk or a shard, each at least 1, as many as the array has axes. */
export function stepsOf(stated: unknown, axes: number, file: string, name: string): number[] {
  const isStep = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
  if (Array.isArray(stated) && stated.length === axes && stated.every(isStep)) return stated;
  throw damaged(file, name, stated, `${axes} lengths of at least 1`);
}

export function refuseLargeChunk(chunk: readonly number[], sampleType: SampleType, file: string): void {
  const bytes = elementCount(chunk) * sampleTypes[sampleType].bytes;
  if (bytes <= largestChunkBytes) return;
  throw unsupportedError("the chunks of the array are larger than is allowed", {
    code: "zarr-chunk-large",
    file,
    found: `chunks of ${chunk.join(" x ")} (${bytes} bytes)`,
    allowed: `${largestChunkBytes} bytes`,
    remedy: "Write the image again in smaller chunks",
  });
}

/** The value of samples that the store leaves out: a number, or a word of JSON for one that JSON has not. */
export function fillOf(stated: unknown, sampleType: SampleType, file: string): number {
  const { integer, min, max } = sampleTypes[sampleType];
  const words: Readonly<Record<string, number>> = {
    NaN: Number.NaN,
    Infinity: Number.POSITIVE_INFINITY,
    "-Infinity": Number.NEGATIVE_INFINITY,
  };
  // Version 2: not stated. Version 3 asks for it.
  if (stated === undefined || stated === null) return 0;
  const value = typeof stated === "string" && Object.hasOwn(words, stated) ? words[stated] : stated;
  if (typeof value === "number" && (!integer || (Number.isInteger(value) && value >= min && value <= max))) {
    return value;
  }
  throw damaged(file, "fill_value", stated, `a value of type ${sampleType}`);
}

/** The metadata say what they may not say. */
export function damaged(file: string, name: string, stated: unknown, allowed: string): EdgeError {
  return formatError("the metadata of the array are damaged", {
    code: "zarr-metadata",
    file,
    at: name,
    found: stated === undefined ? "nothing" : shown(stated),
    allowed,
    remedy: "Wait until it is written completely, or copy it again",
    retryable: true,
  });
}

/** The array is sound, and of a kind that we do not read. */
export function unread(file: string, name: string, stated: unknown, allowed: string): EdgeError {
  return unsupportedError("this kind of Zarr array is not read", {
    code: "zarr-kind",
    file,
    at: name,
    found: shown(stated),
    allowed,
    remedy: "Write it again as OME-Zarr with blosc, zstd or gzip, or export OME-TIFF",
  });
}

const longestShown = 80;

/** As JSON; what is long is cut. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}...`;
}
