import type { PixelSize } from "../../core/acquisition.ts";
import { present } from "../../core/record.ts";
import { openByteSource } from "../file/byte-source.ts";
import type { ReadLimits } from "../file/reading.ts";
import { statedLength } from "../ome/units.ts";
import { type DirectoryReader, openDirectoryReader } from "./ifd.ts";
import { fieldType, tag } from "./tags.ts";
import { readText } from "./tiff-file.ts";

/** Entries of tag UIC1 ("STK file format", Universal Imaging). */
const uic1 = { xCalibration: 4, yCalibration: 5, units: 6 } as const;
/** Far above the some dozens that there are. */
const mostEntries = 4096;
const longestUnitBytes = 64;

/** The size of a pixel as MetaMorph states it of a file: in its own XML, or in tag UIC1. Nothing where it is not calibrated in a length. */
export async function metaMorphPixelSize(file: string, limits: ReadLimits): Promise<PixelSize> {
  const source = await openByteSource(file);
  try {
    const reader = await openDirectoryReader(source, limits);
    const text = await readText(reader, reader.header.firstDirectory, tag.imageDescription, limits);
    return text.startsWith("<MetaData>") ? ofXml(text) : await ofTag(reader);
  } finally {
    await source.close();
  }
}

function ofXml(text: string): PixelSize {
  const value = (id: string): string =>
    new RegExp(`<prop id="${id}"[^>]* value="([^"]*)"`).exec(text)?.[1] ?? "";
  const unit = value("spatial-calibration-units");
  return sizes(Number(value("spatial-calibration-x")), Number(value("spatial-calibration-y")), unit);
}

/** Pairs of a number and a value, or of where in the file the value stands. */
async function ofTag(reader: DirectoryReader): Promise<PixelSize> {
  const { entries } = await reader.directory(reader.header.firstDirectory);
  const entry = entries.get(tag.uic1);
  if (entry === undefined || entry.count < 2 || entry.count > mostEntries) return {};
  // It counts pairs, also where its type is that of one number.
  const pairs = await reader.fieldBytes({ ...entry, type: fieldType.rational }, mostEntries * 8);
  const isLittle = reader.header.byteOrder === "little";
  const word = (bytes: Buffer, at: number): number =>
    isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  const places = new Map<number, number>();
  for (let at = 0; at + 8 <= pairs.length; at += 8) places.set(word(pairs, at), word(pairs, at + 4));
  const bytesAt = async (id: number, length: number): Promise<Buffer> => {
    const place = places.get(id);
    const left = place === undefined ? 0 : Math.max(0, reader.source.size - place);
    const bytes = Buffer.alloc(Math.min(length, left));
    if (place !== undefined && bytes.length > 0) await reader.source.readInto(bytes, place);
    return bytes;
  };
  const quotient = async (id: number): Promise<number> => {
    const bytes = await bytesAt(id, 8);
    return bytes.length < 8 ? Number.NaN : word(bytes, 0) / word(bytes, 4);
  };
  const units = await bytesAt(uic1.units, 4 + longestUnitBytes);
  const unit =
    units.length < 4
      ? ""
      : units.subarray(4, 4 + Math.min(longestUnitBytes, word(units, 0))).toString("latin1");
  return sizes(
    await quotient(uic1.xCalibration),
    await quotient(uic1.yCalibration),
    unit.replace(/\0.*$/s, ""),
  );
}

function sizes(x: number, y: number, unit: string): PixelSize {
  const length = (value: number) => {
    const stated = value > 0 && Number.isFinite(value) ? statedLength(value, unit.trim()) : undefined;
    return stated?.um === undefined ? undefined : stated;
  };
  return present({ x: length(x), y: length(y) });
}
