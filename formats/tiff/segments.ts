import { type Samples, sampleTypes } from "../../core/acquisition.ts";
import { type EdgeErrorFields, formatError } from "../../core/errors.ts";
import { inflateBounded, unzstdBounded } from "../compression/unpack-bounded.ts";
import type { ByteSource } from "../file/byte-source.ts";
import { swapUnlessNative } from "../plane/contiguous-samples.ts";
import { decodeLzw, undoFloatingPoint, undoHorizontal, unpackBits } from "./codecs.ts";
import type { Directory, DirectoryReader } from "./ifd.ts";
import { type PageLayout, segmentBytes } from "./page.ts";
import { compression, compressionName, predictor, tag } from "./tags.ts";

/** Where the strips or tiles of a page lie; only sparse ones and lies are refused here, not damaged contents. */
interface Segments {
  readonly offsets: Float64Array;
  readonly byteCounts: Float64Array;
}

/** Bytes of segment `index` when decoded: a last strip holds fewer rows, tiles are always whole. */
function decodedSegmentBytes(layout: PageLayout, index: number): number {
  if (layout.tiled) return segmentBytes(layout);
  const rows = Math.min(layout.segmentLength, layout.length - index * layout.segmentLength);
  return rows * layout.width * sampleTypes[layout.sampleType].bytes;
}

/**
 * Reads where the segments of a page lie and checks that each is there: inside the file, not empty, and, where
 * nothing is compressed, as long as its samples need. Throws `EdgeError` (`format`).
 */
export async function readSegments(
  reader: DirectoryReader,
  directory: Directory,
  layout: PageLayout,
): Promise<Segments> {
  const { file, size } = reader.source;
  const damaged = (what: string, fields: Partial<EdgeErrorFields>) =>
    formatError(what, {
      code: "tiff-segments",
      file,
      at: `directory at byte ${directory.offset}`,
      remedy: "The file is cut or damaged: copy it again, or wait until it is written completely.",
      ...fields,
    });
  const expected = layout.segmentsAcross * layout.segmentsDown;
  const offsetsEntry = directory.entries.get(layout.tiled ? tag.tileOffsets : tag.stripOffsets);
  // Some writers put tile offsets into the tag for strips.
  const offsetsFound = offsetsEntry ?? (layout.tiled ? directory.entries.get(tag.stripOffsets) : undefined);
  const countsFound =
    directory.entries.get(layout.tiled ? tag.tileByteCounts : tag.stripByteCounts) ??
    (layout.tiled ? directory.entries.get(tag.stripByteCounts) : undefined);
  if (offsetsFound === undefined || offsetsFound.count < expected) {
    throw damaged("the page lists fewer strips or tiles than it needs", {
      found: String(offsetsFound?.count ?? 0),
      allowed: String(expected),
    });
  }
  const stored = layout.compression === compression.none;
  if (countsFound === undefined ? !stored : countsFound.count < expected) {
    throw damaged("the page lists fewer byte counts than strips or tiles", {
      found: String(countsFound?.count ?? 0),
      allowed: String(expected),
    });
  }
  // More entries than segments mean nothing, but they must not make us allocate for them.
  const offsets = await reader.numbers({ ...offsetsFound, count: expected }, expected);
  const byteCounts =
    countsFound === undefined
      ? new Float64Array(expected)
      : await reader.numbers({ ...countsFound, count: expected }, expected);
  for (let i = 0; i < expected; i += 1) {
    const offset = offsets[i] ?? 0;
    const needed = decodedSegmentBytes(layout, i);
    const claimed = byteCounts[i] ?? 0;
    if (stored && countsFound !== undefined && claimed < needed) {
      throw damaged("strips or tiles hold too few samples", {
        found: `${claimed} bytes`,
        allowed: `${needed} bytes`,
      });
    }
    if (stored) byteCounts[i] = needed;
    const length = byteCounts[i] ?? 0;
    if (length === 0 || offset === 0) {
      throw damaged("the page has strips or tiles without data", { found: `strip or tile ${i} is empty` });
    }
    if (!(offset > 0 && offset + length <= size)) {
      throw damaged("samples lie outside the file", {
        code: "tiff-cut",
        found: `strip or tile ${i} from byte ${offset} to ${offset + length}, a file of ${size} bytes`,
        retryable: true,
      });
    }
  }
  return { offsets, byteCounts };
}

/**
 * Where the page's samples start if they lie in the file just as in memory: uncompressed strips, one after
 * the other. Undefined where they do not.
 */
export function contiguousStart(layout: PageLayout, segments: Segments): number | undefined {
  if (layout.compression !== compression.none) return undefined;
  if (layout.tiled && (layout.segmentsAcross > 1 || layout.segmentWidth !== layout.width)) return undefined;
  let next = segments.offsets[0] ?? 0;
  for (let i = 0; i < segments.offsets.length; i += 1) {
    if (segments.offsets[i] !== next) return undefined;
    next += decodedSegmentBytes(layout, i);
  }
  return segments.offsets[0];
}

/** Compressed segments that are read and unpacked at the same time. */
const segmentsAtOnce = 4;

/** Where a page's samples come from: the open file, its byte order, and how and where the page is stored. */
interface StoredPage {
  readonly source: ByteSource;
  readonly byteOrder: "little" | "big";
  readonly layout: PageLayout;
  readonly segments: Segments;
}

/**
 * Reads and decodes the segments of a page into `target`, `[Y, X]`. Throws `EdgeError` (`format`) where one is
 * damaged.
 */
export async function readSegmented(
  page: StoredPage,
  target: Samples,
  signal: AbortSignal | undefined,
): Promise<void> {
  const count = page.layout.segmentsAcross * page.layout.segmentsDown;
  for (let first = 0; first < count; first += segmentsAtOnce) {
    signal?.throwIfAborted();
    const some = Array.from({ length: Math.min(segmentsAtOnce, count - first) }, (_, k) => first + k);
    await Promise.all(
      some.map(async (index) => place(await decodeSegment(page, index), page.layout, index, target)),
    );
  }
}

/** One strip or tile: unpacked, predictor undone, in native byte order. */
async function decodeSegment(page: StoredPage, index: number): Promise<Samples> {
  const { layout, source, segments } = page;
  const facts = sampleTypes[layout.sampleType];
  const needed = decodedSegmentBytes(layout, index);
  const stored = segments.byteCounts[index] ?? 0;
  const packed = new Uint8Array(
    // No compression of ours makes data larger than this; a byte count that lies must not make us read more.
    layout.compression === compression.none ? needed : Math.min(stored, needed * 2 + 4096),
  );
  await source.readInto(packed, segments.offsets[index] ?? 0);
  const unpacked = await unpack(layout, packed, needed);
  if (unpacked === undefined || unpacked.length < needed) {
    throw formatError("a strip or tile cannot be unpacked", {
      code: "tiff-codec",
      file: source.file,
      at: `strip or tile ${index} at byte ${segments.offsets[index]}`,
      found:
        unpacked === undefined
          ? `damaged ${compressionName[layout.compression]} data, or more data than expected`
          : `${unpacked.length} bytes`,
      allowed: `${needed} bytes`,
      remedy: "The file is damaged; copy it again from where it was recorded.",
    });
  }
  const bytes = unpacked.subarray(0, needed);
  if (layout.predictor === predictor.floatingPoint) {
    undoFloatingPoint(bytes, layout.segmentWidth, facts.bytes);
    swapUnlessNative(bytes, facts.bytes, "little");
  } else {
    swapUnlessNative(bytes, facts.bytes, page.byteOrder);
    if (layout.predictor === predictor.horizontal) {
      undoHorizontal(unsignedView(bytes, facts.bytes), layout.segmentWidth);
    }
  }
  return facts.view(bytes.buffer, bytes.byteOffset, needed / facts.bytes);
}

/** The unpacked bytes, at least `needed` of them where all is well; undefined where the stream is damaged. */
async function unpack(
  layout: PageLayout,
  packed: Uint8Array,
  needed: number,
): Promise<Uint8Array | undefined> {
  switch (layout.compression) {
    case compression.none:
      return packed;
    case compression.lzw: {
      const output = new Uint8Array(needed);
      const made = decodeLzw(packed, output);
      return made === undefined ? undefined : output.subarray(0, made);
    }
    case compression.packBits: {
      const output = new Uint8Array(needed);
      return output.subarray(0, unpackBits(packed, output));
    }
    // Some writers pack the last strip of a page as if it had all its rows.
    case compression.zstd:
      return aligned(unzstdBounded(packed, segmentBytes(layout)));
    default:
      return aligned(await inflateBounded(packed, segmentBytes(layout)));
  }
}

/** A copy where the bytes do not start where a typed array of 8-byte values may. */
function aligned(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined || bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}

function unsignedView(
  bytes: Uint8Array,
  valueBytes: number,
): Uint8Array | Uint16Array | Uint32Array | BigUint64Array {
  const { buffer, byteOffset, byteLength } = bytes;
  if (valueBytes === 1) return bytes;
  if (valueBytes === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (valueBytes === 4) return new Uint32Array(buffer, byteOffset, byteLength / 4);
  return new BigUint64Array(buffer, byteOffset, byteLength / 8);
}

/** Copies the rows of segment `index` (counted row by row over the page) to their place in the plane. */
function place(values: Samples, layout: PageLayout, index: number, plane: Samples): void {
  const left = (index % layout.segmentsAcross) * layout.segmentWidth;
  const top = Math.floor(index / layout.segmentsAcross) * layout.segmentLength;
  const columns = Math.min(layout.segmentWidth, layout.width - left);
  const rows = Math.min(layout.segmentLength, layout.length - top);
  for (let row = 0; row < rows; row += 1) {
    const from = row * layout.segmentWidth;
    plane.set(values.subarray(from, from + columns), (top + row) * layout.width + left);
  }
}
