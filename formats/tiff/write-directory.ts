import { fieldType, fieldTypeBytes } from "./tags.ts";

/**
 * Image file directories as bytes, little-endian, classic (TIFF 6.0 section 2) or BigTIFF (8-byte counts and
 * offsets).
 */

/** One tag of a directory, its value as numbers (rationals as numerator, denominator pairs) or as text. */
export interface TiffField {
  readonly tag: number;
  readonly type: number;
  readonly values: readonly number[];
}

/** A field whose value lies elsewhere in the file: `count` elements from byte `offset` on. */
export interface FieldElsewhere {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly offset: number;
}

export type DirectoryField = TiffField | FieldElsewhere;

/** What differs between the two kinds of TIFF, in bytes. */
export interface Flavour {
  readonly big: boolean;
  readonly headerBytes: number;
  readonly entryCountBytes: number;
  readonly entryBytes: number;
  /** Length of an offset, and of a value that is kept in the entry itself. */
  readonly offsetBytes: number;
}

export const classic: Flavour = {
  big: false,
  headerBytes: 8,
  entryCountBytes: 2,
  entryBytes: 12,
  offsetBytes: 4,
};

export const bigTiff: Flavour = {
  big: true,
  headerBytes: 16,
  entryCountBytes: 8,
  entryBytes: 20,
  offsetBytes: 8,
};

/** The largest file whose every offset fits in 32 bits. */
export const classicMaxBytes = 2 ** 32 - 1;

/** Directories and long values start on such a boundary (the standard asks for 2; readers that map memory like 8). */
const alignmentBytes = 8;

export function aligned(position: number): number {
  return Math.ceil(position / alignmentBytes) * alignmentBytes;
}

/** The file header: byte order, version, and where the first directory is. */
export function headerBytes(flavour: Flavour, firstDirectory: number): Uint8Array {
  const bytes = new Uint8Array(flavour.headerBytes);
  const view = new DataView(bytes.buffer);
  bytes.set([0x49, 0x49]);
  view.setUint16(2, flavour.big ? 43 : 42, true);
  if (flavour.big) view.setUint16(4, flavour.offsetBytes, true);
  setOffset(view, flavour.big ? 8 : 4, firstDirectory, flavour);
  return bytes;
}

/** Where in a directory the offset of the next one stands, in bytes from the directory's start. */
export function nextPointerAt(fieldCount: number, flavour: Flavour): number {
  return flavour.entryCountBytes + fieldCount * flavour.entryBytes;
}

export function offsetBytes(offset: number, flavour: Flavour): Uint8Array {
  const bytes = new Uint8Array(flavour.offsetBytes);
  setOffset(new DataView(bytes.buffer), 0, offset, flavour);
  return bytes;
}

/**
 * A directory that will stand at byte `position` (aligned) of the file: entries in ascending order of tags, offset
 * of the next directory (0: none), then the values that do not fit in their entries. Padded to the alignment.
 */
export function directoryBytes(
  fields: readonly DirectoryField[],
  flavour: Flavour,
  position: number,
  next: number,
): Uint8Array {
  const sorted = [...fields].sort((a, b) => a.tag - b.tag);
  const bytes = new Uint8Array(directorySize(fields, flavour));
  const view = new DataView(bytes.buffer);
  if (flavour.big) view.setBigUint64(0, BigInt(sorted.length), true);
  else view.setUint16(0, sorted.length, true);
  setOffset(view, nextPointerAt(sorted.length, flavour), next, flavour);

  let valueAt = aligned(nextPointerAt(sorted.length, flavour) + flavour.offsetBytes);
  sorted.forEach((field, index) => {
    const entryAt = flavour.entryCountBytes + index * flavour.entryBytes;
    const inEntryAt = entryAt + 4 + flavour.offsetBytes;
    view.setUint16(entryAt, field.tag, true);
    view.setUint16(entryAt + 2, field.type, true);
    setOffset(view, entryAt + 4, countOf(field), flavour);
    if ("offset" in field) {
      setOffset(view, inEntryAt, field.offset, flavour);
    } else if (valueBytes(field) <= flavour.offsetBytes) {
      setValues(view, inEntryAt, field);
    } else {
      setOffset(view, inEntryAt, position + valueAt, flavour);
      setValues(view, valueAt, field);
      valueAt = aligned(valueAt + valueBytes(field));
    }
  });
  return bytes;
}

/** Length of `directoryBytes` for these fields; depends on their counts, not on their values. */
export function directorySize(fields: readonly DirectoryField[], flavour: Flavour): number {
  let size = aligned(nextPointerAt(fields.length, flavour) + flavour.offsetBytes);
  for (const field of fields) {
    if ("offset" in field || valueBytes(field) <= flavour.offsetBytes) continue;
    size = aligned(size + valueBytes(field));
  }
  return size;
}

/** ASCII with the closing NUL that the standard asks for. */
export function asciiField(tag: number, text: string): TiffField {
  return { tag, type: fieldType.ascii, values: [...Buffer.from(text, "latin1"), 0] };
}

function countOf(field: DirectoryField): number {
  if ("offset" in field) return field.count;
  return field.type === fieldType.rational ? field.values.length / 2 : field.values.length;
}

function valueBytes(field: TiffField): number {
  return countOf(field) * (fieldTypeBytes[field.type] ?? 1);
}

function setOffset(view: DataView, at: number, value: number, flavour: Flavour): void {
  if (flavour.big) view.setBigUint64(at, BigInt(value), true);
  else view.setUint32(at, value, true);
}

function setValues(view: DataView, at: number, field: TiffField): void {
  const width = field.type === fieldType.rational ? 4 : (fieldTypeBytes[field.type] ?? 1);
  field.values.forEach((value, index) => {
    const place = at + index * width;
    if (width === 1) view.setUint8(place, value);
    else if (width === 2) view.setUint16(place, value, true);
    else if (width === 4) view.setUint32(place, value, true);
    else view.setBigUint64(place, BigInt(value), true);
  });
}
