import { sampleTypes } from "../../core/acquisition.ts";
import { type EdgeError, formatError, isEdgeError, unsupportedError } from "../../core/errors.ts";
import { isRecord } from "../../core/record.ts";
import { type ByteSource, openByteSource } from "../file/byte-source.ts";
import type { NdTiffEntry } from "./index-entries.ts";

/** The TIFFs of an NDTiff: samples lie in them where the index says, and the summary at the beginning. */

/** Header of TIFF, then 483729, the version, 2355492 and the length of the summary. Bytes. */
const headBytes = 28;
const marks = { ndTiff: 483_729, summary: 2_355_492 } as const;
/** Micro-Manager's texts hold the settings of all devices. Bytes. */
const longestText = 16 * 2 ** 20;

export interface DataFile {
  readonly file: string;
  readonly byteOrder: "little" | "big";
  readonly summary: Readonly<Record<string, unknown>>;
  /** What is said of the first image in it. */
  readonly ofFirst: Readonly<Record<string, unknown>>;
}

/** Reads the beginning of a file that `entries` lie in. Throws `EdgeError` where it is not there, or too short for one of them. */
export async function openDataFile(
  folder: string,
  fileName: string,
  entries: readonly NdTiffEntry[],
): Promise<DataFile> {
  const file = `${folder}/${fileName}`;
  const source = await openByteSource(file).catch((error: unknown) => {
    throw isEdgeError(error, "file-missing") ? missing(file) : error;
  });
  try {
    const end = entries.reduce((most, entry) => Math.max(most, entry.start + planeBytes(entry)), headBytes);
    if (source.size < end) throw cut(file, source.size, end);
    const head = Buffer.alloc(headBytes);
    await source.readInto(head, 0);
    const order = head.toString("latin1", 0, 2);
    const isNdTiff = (order === "II" || order === "MM") && head.readUInt32LE(8) === marks.ndTiff;
    const length = head.readUInt32LE(24);
    if (!isNdTiff || head.readUInt32LE(20) !== marks.summary || length > longestText) throw foreign(file);
    const version = head.readUInt32LE(12);
    if (version !== 3) throw otherVersion(file, version);
    return {
      file,
      byteOrder: order === "II" ? "little" : "big",
      summary: await textIn(source, { start: headBytes, bytes: length }),
      ofFirst: await textIn(source, entries[0]?.metadata ?? { start: 0, bytes: 0 }),
    };
  } finally {
    await source.close();
  }
}

export function planeBytes({ width, height, sampleType }: NdTiffEntry): number {
  return width * height * sampleTypes[sampleType].bytes;
}

/** A JSON object; none where there is no such text. It names sizes and channels, and without it the samples are the same. */
async function textIn(
  source: ByteSource,
  { start, bytes }: NdTiffEntry["metadata"],
): Promise<Readonly<Record<string, unknown>>> {
  if (bytes > longestText || start + bytes > source.size) return {};
  const text = Buffer.alloc(bytes);
  await source.readInto(text, start);
  try {
    const found: unknown = JSON.parse(text.toString("utf8"));
    return isRecord(found) ? found : {};
  } catch {
    return {};
  }
}

function missing(file: string): EdgeError {
  return formatError("a file of the NDTiff is not there", {
    code: "ndtiff-file-missing",
    file,
    remedy: "Copy the missing file into the same folder",
    retryable: true,
  });
}

function cut(file: string, found: number, due: number): EdgeError {
  return formatError("a file of the NDTiff is cut: it ends before its planes", {
    code: "ndtiff-cut",
    file,
    found: `${found} bytes`,
    allowed: `${due} bytes, by the index`,
    remedy: "Copy it again, or wait until it is written completely",
    retryable: true,
  });
}

function foreign(file: string): EdgeError {
  return formatError("a file that the index names is no NDTiff, or not yet", {
    code: "ndtiff-foreign",
    file,
    remedy: "Copy the folder again",
    retryable: true,
  });
}

function otherVersion(file: string, version: number): EdgeError {
  return unsupportedError("this version of NDTiff is not read", {
    code: "ndtiff-version",
    file,
    found: String(version),
    allowed: "3",
    remedy: "Export it as OME-TIFF",
  });
}
