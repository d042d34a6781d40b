import { type Samples, sampleTypes } from "../../core/acquisition.ts";
import { usageError } from "../../core/errors.ts";
import { openByteSource } from "../file/byte-source.ts";
import type { Reading, ReadLimits } from "../file/reading.ts";
import { readContiguous } from "../plane/contiguous-samples.ts";
import { type DirectoryReader, openDirectoryReader, type TiffHeader } from "./ifd.ts";
import { type PageLayout, planeBytes } from "./page.ts";
import { type PageTable, readPageTable } from "./pages.ts";
import { readSegmented, readSegments } from "./segments.ts";
import { tag } from "./tags.ts";

/** A TIFF whose structure was read and found sound. It holds no open file: readers are borrowed from a pool. */
export interface TiffFile {
  readonly file: string;
  readonly size: number;
  readonly header: TiffHeader;
  readonly pages: PageTable;
  /** ImageDescription of the first page, "" where there is none. */
  readonly description: string;
}

/** Reads the whole structure of a TIFF. Throws `EdgeError` where it is no TIFF, cut, damaged or beyond the limits. */
export async function readTiffFile(
  reader: DirectoryReader,
  limits: ReadLimits,
  reading: Reading,
): Promise<TiffFile> {
  const { header, source } = reader;
  const pages = await readPageTable(reader, limits, reading);
  const description = await readText(reader, header.firstDirectory, tag.imageDescription, limits);
  return { file: source.file, size: source.size, header, pages, description };
}

/**
 * The text of a field, "" where there is none. Text that is not UTF-8 is taken as ISO-8859-1, which many
 * instruments write.
 */
export async function readText(
  reader: DirectoryReader,
  directoryOffset: number,
  number: number,
  limits: ReadLimits,
): Promise<string> {
  const entry = (await reader.directory(directoryOffset)).entries.get(number);
  if (entry === undefined) return "";
  const bytes = await reader.fieldBytes(entry, limits.maxTextBytes);
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch {
    return text.toString("latin1");
  }
}

/** Where one plane lies: a page, and how many planes after it where planes have no directories. */
export interface PlanePlace {
  readonly page: number;
  readonly skip: number;
}

/** Reads one plane, `[Y, X]`. Throws `EdgeError` (`format`) where its samples cannot be decoded. */
export async function readTiffPlane(
  reader: DirectoryReader,
  tiff: TiffFile,
  place: PlanePlace,
  into: Samples | undefined,
  signal: AbortSignal | undefined,
): Promise<Samples> {
  signal?.throwIfAborted();
  const layout = pageLayout(tiff, place.page);
  const facts = sampleTypes[layout.sampleType];
  const length = layout.width * layout.length;
  const target = into ?? facts.make(length);
  if (target.length !== length || target.constructor !== facts.make(0).constructor) {
    throw usageError("the buffer for a plane does not fit it", {
      code: "plane-buffer",
      file: tiff.file,
      found: `${target.length} values (${target.constructor.name})`,
      allowed: `${length} of ${layout.sampleType}`,
    });
  }
  const { byteOrder } = tiff.header;
  const start = tiff.pages.startOf[place.page] ?? Number.NaN;
  if (!Number.isNaN(start)) {
    await readContiguous(reader.source, byteOrder, start + place.skip * planeBytes(layout), target);
    return target;
  }
  const directory = await reader.directory(tiff.pages.directoryOf[place.page] ?? 0);
  const segments = await readSegments(reader, directory, layout);
  await readSegmented({ source: reader.source, byteOrder, layout, segments }, target, signal);
  return target;
}

/** The layout of a page; throws the page's refusal where its kind is not read. */
export function pageLayout(tiff: TiffFile, page: number): PageLayout {
  const kind = tiff.pages.kinds[tiff.pages.kindOf[page] ?? 0];
  if (kind === undefined) {
    throw usageError("the file has no such page", {
      code: "tiff-page-number",
      file: tiff.file,
      found: String(page),
      allowed: `0 to ${tiff.pages.count - 1}`,
    });
  }
  if ("refusal" in kind) throw kind.refusal;
  return kind.layout;
}

/** Lends open readers of files, few at a time, and closes those that nobody used for longest. */
export interface ReaderPool {
  use<T>(file: string, act: (reader: DirectoryReader) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const readersAtOnce = 16;

interface Lent {
  readonly opened: Promise<DirectoryReader>;
  users: number;
}

/** A pool that opens each file when it is first used. */
export function readerPool(limits: ReadLimits): ReaderPool {
  // A Map keeps its order: the first entry is the one that was used longest ago.
  const lent = new Map<string, Lent>();

  const shut = async (entry: Lent): Promise<void> => {
    const reader = await entry.opened.catch(() => undefined);
    await reader?.source.close();
  };
  const open = async (file: string): Promise<DirectoryReader> => {
    const source = await openByteSource(file);
    try {
      return await openDirectoryReader(source, limits);
    } catch (error) {
      await source.close();
      throw error;
    }
  };
  return {
    async use(file, act) {
      const entry = lent.get(file) ?? { opened: open(file), users: 0 };
      lent.delete(file);
      lent.set(file, entry);
      entry.users += 1;
      try {
        return await act(await entry.opened);
      } catch (error) {
        // A file that could not be opened is tried afresh next time.
        await entry.opened.catch(() => lent.delete(file));
        throw error;
      } finally {
        entry.users -= 1;
        for (const [other, idle] of lent) {
          if (lent.size <= readersAtOnce) break;
          if (idle.users > 0) continue;
          lent.delete(other);
          await shut(idle);
        }
      }
    },
    async close() {
      const all = [...lent.values()];
      lent.clear();
      await Promise.all(all.map(shut));
    },
  };
}
