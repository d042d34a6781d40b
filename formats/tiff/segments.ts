import { sampleTypes } from "../../core/acquisition.ts";
import { type EdgeErrorFields, formatError } from "../../core/errors.ts";
import type { Directory, DirectoryReader } from "./ifd.ts";
import { type PageLayout, segmentBytes } from "./page.ts";
import { compression, tag } from "./tags.ts";

/** Where the strips or tiles of a page lie; only sparse ones and lies are refused here, not damaged contents. */
export interface Segments {
  readonly offsets: Float64Array;
  readonly byteCounts: Float64Array;
}

/** Bytes of segment `index` when decoded: a last strip holds fewer rows, tiles are always whole. */
export function decodedSegmentBytes(layout: PageLayout, index: number): number {
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
