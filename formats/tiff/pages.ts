import { type EdgeError, formatError, isEdgeError } from "../../core/errors.ts";
import { type Reading, type ReadLimits, takeStep } from "../file/reading.ts";
import type { Directory, DirectoryReader } from "./ifd.ts";
import { type PageLayout, readPageLayout } from "./page.ts";
import { contiguousStart, readSegments } from "./segments.ts";
import { subfileType, tag } from "./tags.ts";

/**
 * The main chain of pages of a file, as numbers only: 20 bytes a page, whatever its strips. Where the strips of a
 * page lie is read again from its directory when the page is decoded.
 */
export interface PageTable {
  readonly count: number;
  /** The distinct layouts, in the order of appearance; a kind that we do not read has its refusal instead. */
  readonly kinds: readonly PageKind[];
  /** Index into `kinds` of each page. */
  readonly kindOf: Uint32Array;
  /** Byte offset of the directory of each page. */
  readonly directoryOf: Float64Array;
  /** Where the samples start in one piece; NaN where they are compressed or scattered. */
  readonly startOf: Float64Array;
}

export type PageKind =
  | { readonly layout: PageLayout; readonly reduced: boolean }
  | { readonly refusal: EdgeError; readonly reduced: boolean };

/** Kinds of page in one file; images of more than a few sizes and types are no acquisition. */
const maxKinds = 1024;

/**
 * Walks the whole chain of directories and checks every page: the chain ends inside the file, does not loop, and
 * all strips and tiles lie in the file. So a file that is still being copied is refused here, not in mid-read.
 */
export async function readPageTable(
  reader: DirectoryReader,
  limits: ReadLimits,
  reading: Reading,
): Promise<PageTable> {
  const { file } = reader.source;
  const kinds: PageKind[] = [];
  const kindByKey = new Map<string, number>();
  let kindOf = new Uint32Array(16);
  let directoryOf = new Float64Array(16);
  let startOf = new Float64Array(16);
  let count = 0;

  // Brent's cycle detection: the offset at the last power of two must not come again.
  let landmark = 0;
  let nextLandmark = 1;

  let offset = reader.header.firstDirectory;
  while (offset !== 0) {
    takeStep(reading);
    if (offset === landmark) {
      throw formatError("the chain of TIFF directories loops", {
        code: "tiff-ifd-loop",
        file,
        at: `directory ${count}, byte ${offset}`,
        remedy: "The file is damaged; save it again with another program.",
      });
    }
    if (count === limits.maxPages) {
      throw formatError("the file has more pages than are allowed", {
        code: "tiff-pages",
        file,
        found: `more than ${count}`,
        allowed: String(limits.maxPages),
        remedy: "Split the file.",
      });
    }
    if (count + 1 === nextLandmark) {
      landmark = offset;
      nextLandmark *= 2;
    }
    const directory = await reader.directory(offset);
    const page = await readPage(reader, directory, limits);
    let kind = kindByKey.get(page.key);
    if (kind === undefined) {
      kind = kinds.length;
      if (kind === maxKinds) {
        throw formatError("the pages are of too many kinds", {
          code: "tiff-page-kinds",
          file,
          found: `more than ${maxKinds}`,
          remedy: "Split the file into images of one size and type.",
        });
      }
      kinds.push(page.kind);
      kindByKey.set(page.key, kind);
    }
    if (count === kindOf.length) {
      kindOf = grown(kindOf, new Uint32Array(count * 2));
      directoryOf = grown(directoryOf, new Float64Array(count * 2));
      startOf = grown(startOf, new Float64Array(count * 2));
    }
    kindOf[count] = kind;
    directoryOf[count] = offset;
    startOf[count] = page.start ?? Number.NaN;
    count += 1;
    offset = directory.next;
  }
  return { count, kinds, kindOf, directoryOf, startOf };
}

function grown<A extends Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

async function readPage(
  reader: DirectoryReader,
  directory: Directory,
  limits: ReadLimits,
): Promise<{ readonly key: string; readonly kind: PageKind; readonly start?: number }> {
  const reduced = await isReduced(reader, directory);
  try {
    const layout = await readPageLayout(reader, directory, limits);
    const start = contiguousStart(layout, await readSegments(reader, directory, layout));
    const key = JSON.stringify([reduced, layout]);
    return { key, kind: { layout, reduced }, ...(start === undefined ? {} : { start }) };
  } catch (error) {
    // What we do not read may stand beside what we do (a label image, a thumbnail); what is damaged may not.
    if (!isEdgeError(error) || error.kind !== "unsupported") throw error;
    const key = `${reduced} ${error.code} ${error.found}`;
    return { key, kind: { refusal: error, reduced } };
  }
}

/** Whether the page is a smaller copy or a mask of another one. */
async function isReduced(reader: DirectoryReader, directory: Directory): Promise<boolean> {
  const entry = directory.entries.get(tag.newSubfileType);
  if (entry === undefined || entry.count !== 1) return false;
  const bits = (await reader.numbers(entry, 1))[0] ?? 0;
  return (bits & (subfileType.reducedResolution | subfileType.mask)) !== 0;
}
