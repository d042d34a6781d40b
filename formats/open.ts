import { readdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { type EdgeError, formatError, unsupportedError, usageError } from "../core/errors.ts";
import { describerOf } from "./described/describer-of.ts";
import { microManagerReader } from "./described/micro-manager-set.ts";
import { ndReader } from "./described/nd-set.ts";
import { openByteSource } from "./file/byte-source.ts";
import { openError } from "./file/file-errors.ts";
import { defaultLimits, type Reading, type ReadLimits } from "./file/reading.ts";
import { namedFolder } from "./files-of.ts";
import { describesFolder, folderReader } from "./folders.ts";
import { foreignFormat } from "./foreign-formats.ts";
import { lifReader } from "./lif/read-lif.ts";
import { npyReader } from "./npy.ts";
import { type NumberedFiles, openNumbered } from "./numbered/open-numbered.ts";
import type { FormatReader, OpenedFile, PlaneSource } from "./plane/plane-source.ts";
import { companionReader, tiffReader } from "./tiff/read-tiff.ts";

/** Tried in this order; each tells its files by content, never by name. */
const readers: readonly FormatReader[] = [
  tiffReader,
  companionReader,
  ndReader,
  microManagerReader,
  lifReader,
  npyReader,
];

/** Enough for every magic number and for the start of an XML document. */
const headBytes = 8192;

export interface OpenOptions extends Reading {
  readonly limits?: ReadLimits;
  /** Files whose names it fits are opened as the acquisitions that their names say. */
  readonly pattern?: NumberedFiles | undefined;
}

/**
 * Opens a file, the set that it belongs to, or a folder that is one acquisition (OME-Zarr, NDTiff), once for all its images. The structure of the file, and of all files of
 * its set, is checked whole before: a file that is still being copied is refused here. Throws `EdgeError` where the file
 * is refused as such; an image that cannot be read has its refusal beside those that can.
 */
export async function openFile(file: string, options: OpenOptions = {}): Promise<OpenedFile> {
  const limits = options.limits ?? defaultLimits;
  const numbered = options.pattern && (await openNumbered(file, options.pattern, limits, options));
  if (numbered !== undefined) return numbered;
  const folder = await openFolder(file, limits, options);
  if (folder !== undefined) return folder;
  const source = await openByteSource(file);
  try {
    const head = new Uint8Array(Math.min(headBytes, source.size));
    await source.readInto(head, 0);
    const reader = readers.find((candidate) => candidate.recognises(head));
    if (reader === undefined) throw unrecognised(file, head);
    const opened = await reader.find(source, limits, options);
    const describer = reader === tiffReader ? await describerOf(source, limits) : undefined;
    return describer === undefined ? opened : partOf(opened, describer);
  } finally {
    await source.close();
  }
}

/** undefined where `file` is no folder that is an acquisition. */
async function openFolder(
  file: string,
  limits: ReadLimits,
  reading: Reading,
): Promise<OpenedFile | undefined> {
  const isFolder = (await stat(file).catch(() => undefined))?.isDirectory();
  if (isFolder !== true) return undefined;
  const folder = namedFolder(file);
  const names = await readdir(folder).catch((cause: unknown) => {
    throw openError(cause, folder);
  });
  return folderReader(folder, names)?.find(folder, limits, reading);
}

/** A file of a set, opened alone. */
function partOf(opened: OpenedFile, describer: string): OpenedFile {
  const note = `this is one file of a set that ${JSON.stringify(describer)} describes; open that for the whole set`;
  const series = opened.series.map((one): OpenedFile["series"][number] => {
    if ("refusal" in one) return one;
    const { acquisition } = one;
    const notes = [...acquisition.notes, note];
    return { ...one, acquisition: { ...acquisition, describedBy: describer, notes } };
  });
  return { ...opened, series };
}

/** Why none of the images can be read: the first one's refusal. undefined where at least one can. */
export function refusalOf({ series }: OpenedFile): EdgeError | undefined {
  const [first] = series;
  if (first === undefined || !("refusal" in first)) return undefined;
  return series.every((one) => "refusal" in one) ? first.refusal : undefined;
}

/** Opens one image of a file: `series`, from 0. Whoever opens it closes it. Throws `EdgeError` as `openFile`, and where that image is refused. */
export async function openAcquisition(
  file: string,
  options: OpenOptions & { readonly series?: number } = {},
): Promise<PlaneSource> {
  return imageOf(await openFile(file, options), file, options.series ?? 0);
}

/** One image of an opened file, which is closed with it. Throws `EdgeError` where there is none, or where it is refused; `opened` is closed then. */
export async function imageOf(opened: OpenedFile, file: string, index: number): Promise<PlaneSource> {
  const series = opened.series[index];
  if (series !== undefined && !("refusal" in series)) return { ...series, close: opened.close };
  await opened.close();
  if (series !== undefined) throw series.refusal;
  throw usageError("the file has no such series", {
    code: "series-number",
    file,
    found: String(index),
    allowed: `0 to ${opened.series.length - 1}`,
    remedy: "cnnt-edge info lists the series of a file.",
  });
}

function unrecognised(file: string, head: Uint8Array): EdgeError {
  if (describesFolder(basename(file))) {
    return formatError("this file is part of an acquisition that is a folder", {
      code: "file-of-folder",
      file,
      remedy: `Name the folder: ${dirname(file)}`,
    });
  }
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
      allowed: "TIFF, OME-TIFF, BigTIFF, OME-Zarr, NDTiff, Leica .lif or .npy",
      remedy: "Export it as OME-TIFF from the program that wrote it, or from Fiji.",
    },
  );
}
