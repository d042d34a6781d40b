import { type EdgeErrorFields, formatError, unsupportedError } from "../../core/errors.ts";
import { type ByteSource, type WindowedReader, windowedReader } from "../file/byte-source.ts";
import type { ReadLimits } from "../file/reading.ts";
import { fieldType, fieldTypeBytes } from "./tags.ts";

/** What the first bytes say: TIFF 6.0 section 2; BigTIFF has 43 for 42 and 8-byte offsets. */
export interface TiffHeader {
  readonly byteOrder: "little" | "big";
  readonly bigTiff: boolean;
  /** Byte offset of the first directory. */
  readonly firstDirectory: number;
}

/** One entry of a directory: where its values lie in the file. */
export interface TagEntry {
  readonly type: number;
  readonly count: number;
  readonly position: number;
}

/** An image file directory: entries by tag number; of a tag that occurs twice the first one counts. */
export interface Directory {
  readonly offset: number;
  readonly entries: ReadonlyMap<number, TagEntry>;
  /** Byte offset of the next directory; 0 at the end of the chain. */
  readonly next: number;
}

const writtenYet = "Copy it again, or wait until it is written completely.";

/** Whether these first bytes are those of a TIFF. */
export function isTiff(head: Uint8Array): boolean {
  const [a, b, c, d] = head;
  const little = a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0;
  const big = a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43);
  return little || big;
}

/** Reads directories and tag values of one file. All positions and counts are checked against the file's size. */
export interface DirectoryReader {
  readonly source: ByteSource;
  readonly header: TiffHeader;
  directory(offset: number): Promise<Directory>;
  /** The values of an integer or float field; rationals as their quotient. At most `maxCount` of them. */
  numbers(entry: TagEntry, maxCount: number): Promise<Float64Array>;
  /** The raw bytes of a field of any type, at most `maxBytes`. */
  fieldBytes(entry: TagEntry, maxBytes: number): Promise<Buffer>;
}

/** Throws `EdgeError` (`format`) where the header is cut or points outside the file. */
export async function openDirectoryReader(source: ByteSource, limits: ReadLimits): Promise<DirectoryReader> {
  const window = windowedReader(source);
  const header = await readHeader(window);
  const offsets = scalarReader(header);
  const fail = (what: string, fields: EdgeErrorFields) => formatError(what, { file: source.file, ...fields });

  const inside = (position: number, bytes: number, what: string): void => {
    if (position + bytes <= source.size) return;
    throw fail(`${what} lies outside the file`, {
      code: "tiff-cut",
      at: `byte ${position}`,
      found: `a file of ${source.size} bytes`,
      remedy: writtenYet,
      retryable: true,
    });
  };

  const directory = async (offset: number): Promise<Directory> => {
    const countBytes = header.bigTiff ? 8 : 2;
    inside(offset, countBytes, "a TIFF directory");
    const count = offsets.count(await window.bytes(offset, countBytes), 0);
    if (count === 0 || count > limits.maxTagsPerPage) {
      throw fail("a TIFF directory has an impossible number of entries", {
        code: "tiff-directory-size",
        at: `byte ${offset}`,
        found: String(count),
        allowed: `1 to ${limits.maxTagsPerPage}`,
        remedy: "The file is damaged or still being written; copy it again.",
      });
    }
    const entryBytes = header.bigTiff ? 20 : 12;
    const offsetBytes = header.bigTiff ? 8 : 4;
    inside(offset, countBytes + count * entryBytes + offsetBytes, "a TIFF directory");
    const bytes = await window.bytes(offset + countBytes, count * entryBytes + offsetBytes);
    const entries = new Map<number, TagEntry>();
    for (let i = 0; i < count; i += 1) {
      const at = i * entryBytes;
      const number = offsets.short(bytes, at);
      const type = offsets.short(bytes, at + 2);
      const valueCount = offsets.offset(bytes, at + 4);
      const valueBytes = valueCount * (fieldTypeBytes[type] ?? 0);
      const position =
        valueBytes <= offsetBytes
          ? offset + countBytes + at + 4 + offsetBytes
          : offsets.offset(bytes, at + 4 + offsetBytes);
      if (!entries.has(number)) entries.set(number, { type, count: valueCount, position });
    }
    return { offset, entries, next: offsets.offset(bytes, count * entryBytes) };
  };

  const fieldBytes = async (entry: TagEntry, maxBytes: number): Promise<Buffer> => {
    const size = fieldTypeBytes[entry.type];
    if (size === undefined) {
      throw fail("a TIFF field has an unknown type", {
        code: "tiff-field-type",
        at: `byte ${entry.position}`,
        found: String(entry.type),
        remedy: "The file is damaged; save it again with another program.",
      });
    }
    const length = entry.count * size;
    if (length > maxBytes) {
      throw fail("a TIFF field claims more values than are allowed", {
        code: "tiff-field-size",
        at: `byte ${entry.position}`,
        found: `${length} bytes`,
        allowed: `at most ${maxBytes}`,
        remedy: "The file is damaged; save it again with another program.",
      });
    }
    inside(entry.position, length, "a TIFF field");
    return window.bytes(entry.position, length);
  };

  const numbers = async (entry: TagEntry, maxCount: number): Promise<Float64Array> => {
    const size = fieldTypeBytes[entry.type] ?? 1;
    const bytes = await fieldBytes(entry, maxCount * size);
    const values = new Float64Array(entry.count);
    for (let i = 0; i < values.length; i += 1) values[i] = offsets.value(bytes, i * size, entry.type);
    return values;
  };

  return { source, header, directory, numbers, fieldBytes };
}

async function readHeader(window: WindowedReader): Promise<TiffHeader> {
  const { file, size } = window.source;
  const cut = (): Error =>
    formatError("the file ends inside the TIFF header", {
      code: "tiff-cut",
      file,
      found: `${size} bytes`,
      remedy: writtenYet,
      retryable: true,
    });
  if (size < 8) throw cut();
  const head = await window.bytes(0, Math.min(size, 16));
  if (!isTiff(head)) {
    throw formatError("this is not a TIFF file", { code: "tiff-magic", file, remedy: "Save it as TIFF." });
  }
  const byteOrder = head[0] === 0x49 ? "little" : "big";
  const version = byteOrder === "little" ? head.readUInt16LE(2) : head.readUInt16BE(2);
  const bigTiff = version === 43;
  if (bigTiff && size < 16) throw cut();
  const scalar = scalarReader({ byteOrder, bigTiff });
  if (bigTiff && scalar.short(head, 4) !== 8) {
    throw unsupportedError("a BigTIFF must have offsets of 8 bytes", {
      code: "tiff-offset-size",
      file,
      at: "byte 4",
      found: String(scalar.short(head, 4)),
      allowed: "8",
      remedy: "Save it again with another program.",
    });
  }
  const firstDirectory = scalar.offset(head, bigTiff ? 8 : 4);
  if (firstDirectory < 8 || firstDirectory >= size) {
    throw formatError("the first TIFF directory lies outside the file", {
      code: "tiff-cut",
      file,
      found: `byte ${firstDirectory} of ${size}`,
      remedy: writtenYet,
      retryable: true,
    });
  }
  return { byteOrder, bigTiff, firstDirectory };
}

function scalarReader(header: Pick<TiffHeader, "byteOrder" | "bigTiff">) {
  const little = header.byteOrder === "little";
  const short = (b: Buffer, at: number): number => (little ? b.readUInt16LE(at) : b.readUInt16BE(at));
  const long = (b: Buffer, at: number): number => (little ? b.readUInt32LE(at) : b.readUInt32BE(at));
  const slong = (b: Buffer, at: number): number => (little ? b.readInt32LE(at) : b.readInt32BE(at));
  const long8 = (b: Buffer, at: number): number =>
    little ? long(b, at) + long(b, at + 4) * 2 ** 32 : long(b, at) * 2 ** 32 + long(b, at + 4);
  const value = (b: Buffer, at: number, type: number): number => {
    switch (type) {
      case fieldType.short:
        return short(b, at);
      case fieldType.long:
      case fieldType.ifd:
        return long(b, at);
      case fieldType.rational:
        return long(b, at) / long(b, at + 4);
      case fieldType.sbyte:
        return b.readInt8(at);
      case fieldType.sshort:
        return little ? b.readInt16LE(at) : b.readInt16BE(at);
      case fieldType.slong:
        return slong(b, at);
      case fieldType.srational:
        return slong(b, at) / slong(b, at + 4);
      case fieldType.float:
        return little ? b.readFloatLE(at) : b.readFloatBE(at);
      case fieldType.double:
        return little ? b.readDoubleLE(at) : b.readDoubleBE(at);
      case fieldType.long8:
      case fieldType.ifd8:
        return long8(b, at);
      case fieldType.slong8:
        return Number(little ? b.readBigInt64LE(at) : b.readBigInt64BE(at));
      default:
        return b.readUInt8(at);
    }
  };
  return {
    short,
    /** The number of entries: 2 bytes, 8 in BigTIFF. */
    count: header.bigTiff ? long8 : short,
    /** An offset or a count of values: 4 bytes, 8 in BigTIFF. Beyond 2^53 it loses digits, and lies outside any file. */
    offset: header.bigTiff ? long8 : long,
    value,
  };
}
