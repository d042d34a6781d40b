import { deflateSync } from "node:zlib";
import { fieldType, fieldTypeBytes, tag } from "../../formats/tiff/tags.ts";

/** One page for `buildTiff`; the fields that every page needs are made from these. */
export interface PageSpec {
  readonly width: number;
  readonly length: number;
  /** The samples as they are to lie in the file; undefined for a page whose strip is `strip`. */
  readonly bytes: Uint8Array;
  readonly bitsPerSample?: number;
  readonly sampleFormat?: number;
  readonly description?: string | Uint8Array;
  readonly deflate?: boolean;
  /** Any other field, or another value for one of the above: numbers, written as LONG. */
  readonly fields?: Readonly<Record<number, readonly number[]>>;
}

interface Field {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** A classic little-endian TIFF, each page followed by its directory. For tests: written for reading, not speed. */
export function buildTiff(pages: readonly PageSpec[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0])];
  let position = 8;
  let nextPointer: { part: Buffer; at: number } = { part: parts[0] as Buffer, at: 4 };
  const append = (bytes: Uint8Array): number => {
    const start = position;
    const padded = Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)]);
    parts.push(padded);
    position += padded.length;
    return start;
  };
  for (const page of pages) {
    const strip = page.deflate === true ? deflateSync(page.bytes) : page.bytes;
    const stripOffset = append(strip);
    const fields = fieldsOf(page, stripOffset, strip.length);
    const directory = Buffer.alloc(2 + fields.length * 12 + 4);
    directory.writeUInt16LE(fields.length, 0);
    fields.forEach((field, i) => {
      const at = 2 + i * 12;
      directory.writeUInt16LE(field.tag, at);
      directory.writeUInt16LE(field.type, at + 2);
      directory.writeUInt32LE(field.count, at + 4);
      if (field.bytes.length <= 4) directory.set(field.bytes, at + 8);
      else directory.writeUInt32LE(append(field.bytes), at + 8);
    });
    nextPointer.part.writeUInt32LE(position, nextPointer.at);
    append(directory);
    nextPointer = { part: parts.at(-1) as Buffer, at: directory.length - 4 };
  }
  return Buffer.concat(parts);
}

function fieldsOf(page: PageSpec, stripOffset: number, stripBytes: number): Field[] {
  const numbers: Record<number, readonly number[]> = {
    [tag.imageWidth]: [page.width],
    [tag.imageLength]: [page.length],
    [tag.bitsPerSample]: [page.bitsPerSample ?? 16],
    [tag.compression]: [page.deflate === true ? 8 : 1],
    [tag.photometricInterpretation]: [1],
    [tag.stripOffsets]: [stripOffset],
    [tag.samplesPerPixel]: [1],
    [tag.rowsPerStrip]: [page.length],
    [tag.stripByteCounts]: [stripBytes],
    [tag.sampleFormat]: [page.sampleFormat ?? 1],
    ...page.fields,
  };
  const fields = Object.entries(numbers).map(([number, values]) => longs(Number(number), values));
  if (page.description !== undefined) {
    const text = Buffer.concat([Buffer.from(page.description), Buffer.alloc(1)]);
    fields.push({ tag: tag.imageDescription, type: fieldType.ascii, count: text.length, bytes: text });
  }
  return fields.sort((a, b) => a.tag - b.tag);
}

function longs(number: number, values: readonly number[]): Field {
  const bytes = Buffer.alloc(values.length * (fieldTypeBytes[fieldType.long] ?? 4));
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value, i * 4);
  });
  return { tag: number, type: fieldType.long, count: values.length, bytes };
}

/** `count` planes of uint16, plane `i` filled with the value `first + i`, so that a plane tells which one it is. */
export function numberedPages(count: number, width = 4, length = 3, first = 0): PageSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    width,
    length,
    bytes: new Uint8Array(Uint16Array.from({ length: width * length }, () => first + i).buffer),
  }));
}
