import { type Samples, sampleTypes } from "../../core/acquisition.ts";
import { formatError } from "../../core/errors.ts";
import { inflateBounded } from "../codecs/inflate.ts";
import { decodeLzw } from "../codecs/lzw.ts";
import { unpackBits } from "../codecs/packbits.ts";
import { undoFloatingPoint, undoHorizontal } from "../codecs/predictor.ts";
import { unzstdBounded } from "../codecs/zstd.ts";
import type { ByteSource } from "../file/byte-source.ts";
import { swapUnlessNative } from "../plane/contiguous-samples.ts";
import { type PageLayout, segmentBytes } from "./page.ts";
import { decodedSegmentBytes, type Segments } from "./segments.ts";
import { compression, compressionName, predictor } from "./tags.ts";

/** Compressed segments that are read and unpacked at the same time. */
const segmentsAtOnce = 4;

/** Where a page's samples come from: the open file, its byte order, and how and where the page is stored. */
export interface StoredPage {
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
