import type { Acquisition } from "../core/acquisition.ts";
import { type EdgeError, formatError, unsupportedError, usageError } from "../core/errors.ts";
import { openByteSource } from "./file/byte-source.ts";
import { defaultLimits, type ReadLimits } from "./file/limits.ts";
import { foreignFormat } from "./foreign-formats.ts";
import { npyReader } from "./npy/npy-series.ts";
import type { PlaneSource } from "./plane/plane-source.ts";
import type { FormatReader, SeriesFound } from "./plane/series-found.ts";
import { companionReader } from "./tiff/companion.ts";
import { tiffReader } from "./tiff/read-tiff.ts";

/** Tried in this order; each tells its files by content, never by name. */
const readers: readonly FormatReader[] = [tiffReader, companionReader, npyReader];

/** Enough for every magic number and for the start of an XML document. */
const headBytes = 8192;

export interface OpenOptions {
  /** Which image of the file, from 0. */
  readonly series?: number;
  readonly limits?: ReadLimits;
  readonly signal?: AbortSignal;
}

/**
 * Opens one image of a file as a stream of planes. The structure of the file, and of all files of its set, is
 * checked whole before: a file that is still being copied is refused here. Whoever opens it closes it.
 * Throws `EdgeError`.
 */
export async function openAcquisition(file: string, options: OpenOptions = {}): Promise<PlaneSource> {
  const found = await findSeries(file, options);
  const index = options.series ?? 0;
  const series = found[index];
  if (series === undefined) {
    throw usageError("the file has no such series", {
      code: "series-number",
      file,
      found: String(index),
      allowed: `0 to ${found.length - 1}`,
      remedy: "cnnt-edge info lists the series of a file.",
    });
  }
  if ("refusal" in series) throw series.refusal;
  return series.open();
}

/** Describes all images of a file, those that are refused by their reason. Throws `EdgeError` where none is read. */
export async function describeFile(
  file: string,
  options: Omit<OpenOptions, "series"> = {},
): Promise<readonly (Acquisition | EdgeError)[]> {
  const all = await findSeries(file, options);
  const first = all[0];
  if (first !== undefined && "refusal" in first && all.every((series) => "refusal" in series)) {
    throw first.refusal;
  }
  return all.map((series) => ("refusal" in series ? series.refusal : series.acquisition));
}

async function findSeries(file: string, options: OpenOptions): Promise<readonly SeriesFound[]> {
  const head = await readHead(file);
  const reader = readers.find((candidate) => candidate.recognises(head));
  if (reader === undefined) throw unrecognised(file, head);
  return reader.find(file, options.limits ?? defaultLimits, options.signal);
}

async function readHead(file: string): Promise<Uint8Array> {
  const source = await openByteSource(file);
  try {
    const head = new Uint8Array(Math.min(headBytes, source.size));
    await source.readInto(head, 0);
    return head;
  } finally {
    await source.close();
  }
}

function unrecognised(file: string, head: Uint8Array): EdgeError {
  if (head.length === 0) {
    return formatError("the file is empty", {
      code: "file-empty",
      file,
      remedy: "Wait until it is written, or copy it again.",
      retryable: true,
    });
  }
  if (head.every((byte) => byte === 0)) {
    return formatError("the file starts with zeros only", {
      code: "file-zeros",
      file,
      remedy: "Its space was reserved and not yet written, or the copy failed: wait, or copy it again.",
      retryable: true,
    });
  }
  const foreign = foreignFormat(head);
  if (foreign !== undefined) {
    return unsupportedError(`this is ${foreign.name}, which is not read`, {
      code: "format-foreign",
      file,
      remedy: foreign.remedy,
    });
  }
  const text = head.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
  return formatError(
    text ? "this is text, not an image" : "this is not an image format that cnnt-edge knows",
    {
      code: "format-unknown",
      file,
      allowed: "TIFF, OME-TIFF, BigTIFF or .npy",
      remedy: "Export it as OME-TIFF from the program that wrote it, or from Fiji.",
    },
  );
}
