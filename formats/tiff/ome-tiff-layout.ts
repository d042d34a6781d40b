import { planeCount, sampleTypes } from "../../core/acquisition.ts";
import type { PlaneSinkSpec } from "../plane/plane-sink.ts";
import {
  bigTiff,
  classic,
  classicMaxBytes,
  type DirectoryField,
  directorySize,
  type FieldElsewhere,
  type Flavour,
} from "./write-directory.ts";
import { imageFields, type Strips } from "./write-image-fields.ts";

/** What is known of a result before its first byte. Lengths in bytes. */
export interface OmeTiffLayout {
  readonly spec: PlaneSinkSpec;
  readonly flavour: Flavour;
  readonly compressed: boolean;
  readonly planes: number;
  readonly planeBytes: number;
  readonly rowBytes: number;
  readonly rowsPerStrip: number;
  /** No less than the finished file, whatever the compression makes of it. */
  readonly largestFileBytes: number;
}

/** Where the first plane starts: behind the header of either flavour, on an 8-byte boundary. */
export const pixelsAt = 16;

/** A strip's length must fit in a signed 32-bit number for many readers. */
const maxStripBytes = 2 ** 30;

/**
 * Compressed strips are about this long before compression: enough for the compressor, small enough that a
 * reader who wants a part of a plane unpacks little, and that strips are compressed side by side.
 */
const compressedStripBytes = 2 ** 19;

/** Room for the OME-XML around what the source brings along, and for one channel. */
const ownXmlBytes = 2 ** 20;
const channelXmlBytes = 2 ** 10;

/** A character of the source's metadata may become an entity of this length, twice (carried on, and kept). */
const escapedCharacterBytes = 2 * "&quot;".length;

/** No compressor in use here makes more of incompressible data than this many times its length. */
const worstCompression = 1.01;

/** BigTIFF when asked for, or when an offset of the finished file might not fit in 32 bits. */
export function layoutOf(spec: PlaneSinkSpec, forceBigTiff: boolean): OmeTiffLayout {
  const { sizes } = spec.acquisition;
  const compressed = (spec.compression ?? "none") !== "none";
  const rowBytes = sizes.x * sampleTypes[spec.sampleType].bytes;
  const stripBytes = compressed ? compressedStripBytes : maxStripBytes;
  const rowsPerStrip = Math.max(1, Math.min(sizes.y, Math.floor(stripBytes / rowBytes)));
  const planeBytes = sizes.y * rowBytes;
  const common = { spec, compressed, planes: planeCount(sizes), planeBytes, rowBytes, rowsPerStrip };
  const layouts = [classic, bigTiff].map((flavour) => ({
    ...common,
    flavour,
    largestFileBytes: largestFileBytes({ ...common, flavour }),
  }));
  const [small, big] = layouts as [OmeTiffLayout, OmeTiffLayout];
  return forceBigTiff || small.largestFileBytes > classicMaxBytes ? big : small;
}

/** The fields of a plane's directory; the first one also has the description. */
export function planeFields(
  layout: Omit<OmeTiffLayout, "largestFileBytes">,
  strips: Strips,
  description?: FieldElsewhere,
): DirectoryField[] {
  const fields = imageFields(layout.spec, layout.rowsPerStrip, strips, layout.flavour);
  return description === undefined ? fields : [...fields, description];
}

/** The strips of uncompressed plane `index`. */
export function plainStrips(layout: Omit<OmeTiffLayout, "largestFileBytes">, index: number): Strips {
  const { planeBytes, rowBytes, rowsPerStrip } = layout;
  const stripBytes = rowsPerStrip * rowBytes;
  const offsets: number[] = [];
  const byteCounts: number[] = [];
  for (let start = 0; start < planeBytes; start += stripBytes) {
    offsets.push(pixelsAt + index * planeBytes + start);
    byteCounts.push(Math.min(stripBytes, planeBytes - start));
  }
  return { offsets, byteCounts };
}

function largestFileBytes(layout: Omit<OmeTiffLayout, "largestFileBytes">): number {
  const { original, channels } = layout.spec.acquisition;
  const originalLength =
    original.kind === "none" ? 0 : original.kind === "text" ? original.text.length : original.xml.length;
  const xmlBytes = ownXmlBytes + channels.length * channelXmlBytes + originalLength * escapedCharacterBytes;
  const pixelBytes = layout.planeBytes * (layout.compressed ? worstCompression : 1);
  const directoryBytes = directorySize(planeFields(layout, plainStrips(layout, 0)), layout.flavour);
  return Math.ceil(pixelsAt + layout.planes * (pixelBytes + directoryBytes + 16) + xmlBytes);
}
