import type { SampleType } from "../../core/acquisition.ts";
import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { isRecord } from "../../core/record.ts";

/**
 * `NDTiff.index`: an entry for each image, one behind the other. Source: NDStorage, NDTiff format specification 3.3
 * (github.com/micro-manager/NDStorage). Pure.
 */

/** Where one image stands, and where its samples lie. */
export interface NdTiffEntry {
  /** By the name of the axis: "time", "channel", "z", "position", or any other. */
  readonly axes: Readonly<Record<string, string | number>>;
  /** Name of the file in the folder. */
  readonly fileName: string;
  /** First byte of the samples in it. */
  readonly start: number;
  /** Where the JSON about this image lies in it. */
  readonly metadata: { readonly start: number; readonly bytes: number };
  readonly width: number;
  readonly height: number;
  readonly sampleType: SampleType;
  /** Of a camera with fewer bits than its samples have. */
  readonly significantBits: number | undefined;
}

export interface NdTiffIndex {
  readonly entries: readonly NdTiffEntry[];
  /** Whether zeros follow the last entry: its writer lays them out first, and cuts them off when it closes the acquisition. */
  readonly isOpen: boolean;
}

/** Axes with values, and the name of a file. Bytes. */
const longestText = 65_536;
const numbersBytes = 32;

const pixelTypes: Readonly<Record<number, readonly [SampleType, bits: number | undefined]>> = {
  0: ["uint8", undefined],
  1: ["uint16", undefined],
  3: ["uint16", 10],
  4: ["uint16", 12],
  5: ["uint16", 14],
  6: ["uint16", 11],
};

/** Reads the entries up to the first whose length is 0. Throws `EdgeError` where one is cut or damaged, or says what we do not read. */
export function readNdTiffIndex(bytes: Buffer, file: string, mostEntries: number): NdTiffIndex {
  const entries: NdTiffEntry[] = [];
  let at = 0;
  const text = (what: string): string => {
    if (at + 4 > bytes.length) throw cut(file, at);
    const length = bytes.readUInt32LE(at);
    if (length > longestText || length === 0) throw damaged(file, at, `${what} of ${length} bytes`);
    if (at + 4 + length > bytes.length) throw cut(file, at);
    const found = bytes.toString("utf8", at + 4, at + 4 + length);
    at += 4 + length;
    return found;
  };
  while (at < bytes.length) {
    if (at + 4 <= bytes.length && bytes.readUInt32LE(at) === 0) return { entries, isOpen: true };
    if (entries.length === mostEntries) throw tooMany(file, mostEntries);
    const start = at;
    const axes = axesOf(text("axes"), file, start);
    const fileName = text("the name of a file");
    if (/[/\\\0]/.test(fileName) || fileName === "." || fileName === "..") {
      throw damaged(file, start, `the file name ${JSON.stringify(fileName)}`);
    }
    if (at + numbersBytes > bytes.length) throw cut(file, start);
    const numbers = Array.from({ length: numbersBytes / 4 }, (_, place) =>
      bytes.readUInt32LE(at + 4 * place),
    );
    const [samples = 0, width = 0, height = 0, pixelType = 0, compression = 0, about = 0, aboutBytes = 0] =
      numbers;
    at += numbersBytes;
    const known = pixelTypes[pixelType];
    if (known === undefined || compression !== 0) throw unread(file, start, pixelType, compression);
    if (width === 0 || height === 0) throw damaged(file, start, `an image of ${width} x ${height} pixels`);
    const [sampleType, significantBits] = known;
    const metadata = { start: about, bytes: aboutBytes };
    entries.push({ axes, fileName, start: samples, metadata, width, height, sampleType, significantBits });
  }
  return { entries, isOpen: false };
}

function axesOf(text: string, file: string, at: number): NdTiffEntry["axes"] {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    found = undefined;
  }
  const isPlace = (value: unknown): boolean => typeof value === "string" || Number.isSafeInteger(value);
  if (!isRecord(found) || !Object.values(found).every(isPlace)) {
    throw damaged(file, at, "axes that are no JSON object of names and numbers");
  }
  return found as NdTiffEntry["axes"];
}

function cut(file: string, at: number): EdgeError {
  return formatError("the index of the NDTiff ends inside an entry", {
    code: "ndtiff-index-cut",
    file,
    at: `byte ${at}`,
    remedy: "Wait until the acquisition has ended, or copy the folder again",
    retryable: true,
  });
}

function damaged(file: string, at: number, found: string): EdgeError {
  return formatError("the index of the NDTiff is damaged", {
    code: "ndtiff-index",
    file,
    at: `the entry at byte ${at}`,
    found,
    remedy: "Copy the folder again",
  });
}

function unread(file: string, at: number, pixelType: number, compression: number): EdgeError {
  const isColour = pixelType === 2 && compression === 0;
  return unsupportedError("this kind of NDTiff image is not read", {
    code: "ndtiff-kind",
    file,
    at: `the entry at byte ${at}`,
    found: isColour ? "RGB" : `pixel type ${pixelType}, compression ${compression}`,
    allowed: "grey values of 8 to 16 bits, not compressed",
    remedy: "Record grey values, or export OME-TIFF",
  });
}

function tooMany(file: string, most: number): EdgeError {
  return unsupportedError("the NDTiff has more planes than are allowed", {
    code: "ndtiff-planes",
    file,
    found: `more than ${most}`,
    allowed: String(most),
    remedy: "Split the acquisition",
  });
}
