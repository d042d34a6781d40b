import { type Length, planeCount, type SampleType, sampleTypes } from "../../core/acquisition.ts";
import type { PlaneSinkSpec } from "../plane/plane-sink.ts";
import {
  compression,
  fieldType,
  photometric,
  planarConfiguration,
  resolutionUnit,
  sampleFormat,
  tag,
} from "./tags.ts";
import {
  asciiField,
  bigTiff,
  classic,
  classicMaxBytes,
  type DirectoryField,
  directorySize,
  type FieldElsewhere,
  type Flavour,
  type TiffField,
} from "./write-directory.ts";

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

/** Strips of one plane: where they start in the file, and their lengths there, in bytes. */
export interface Strips {
  readonly offsets: readonly number[];
  readonly byteCounts: readonly number[];
}

/** The fields of one plane's directory: a single channel, black is zero, in strips. */
function imageFields(
  spec: PlaneSinkSpec,
  rowsPerStrip: number,
  strips: Strips,
  flavour: Flavour,
): TiffField[] {
  const { sizes } = spec.acquisition;
  const facts = sampleTypes[spec.sampleType];
  const single = (type: number) => (number: number, value: number) => ({
    tag: number,
    type,
    values: [value],
  });
  const [short, long] = [single(fieldType.short), single(fieldType.long)];
  const offsetType = flavour.big ? fieldType.long8 : fieldType.long;
  return [
    long(tag.imageWidth, sizes.x),
    long(tag.imageLength, sizes.y),
    short(tag.bitsPerSample, facts.bytes * 8),
    short(tag.compression, compression[spec.compression ?? "none"]),
    short(tag.photometricInterpretation, photometric.minIsBlack),
    { tag: tag.stripOffsets, type: offsetType, values: strips.offsets },
    short(tag.samplesPerPixel, 1),
    long(tag.rowsPerStrip, rowsPerStrip),
    { tag: tag.stripByteCounts, type: offsetType, values: strips.byteCounts },
    short(tag.planarConfiguration, planarConfiguration.contiguous),
    asciiField(tag.software, "cnnt-edge"),
    short(tag.sampleFormat, sampleFormatOf(spec.sampleType)),
    ...resolutionFields(spec),
  ];
}

function sampleFormatOf(sampleType: SampleType): number {
  const facts = sampleTypes[sampleType];
  if (!facts.integer) return sampleFormat.float;
  return facts.min < 0 ? sampleFormat.signed : sampleFormat.unsigned;
}

/** Pixels per centimetre, for readers that know no OME-XML; absent where the pixel size is unknown. */
function resolutionFields(spec: PlaneSinkSpec): TiffField[] {
  const { x, y } = spec.acquisition.pixelSize;
  const xResolution = pixelsPerCentimeter(x);
  const yResolution = pixelsPerCentimeter(y);
  if (xResolution === undefined || yResolution === undefined) return [];
  return [
    { tag: tag.xResolution, type: fieldType.rational, values: xResolution },
    { tag: tag.yResolution, type: fieldType.rational, values: yResolution },
    { tag: tag.resolutionUnit, type: fieldType.short, values: [resolutionUnit.centimeter] },
  ];
}

/** Some readers take the parts of a rational for signed numbers. */
const maxPart = 2 ** 31 - 1;

/** As a fraction that uses as many bits of its two parts as it can. */
function pixelsPerCentimeter(length: Length | undefined): [number, number] | undefined {
  if (length?.um === undefined || !(length.um > 0)) return undefined;
  const ratio = 10_000 / length.um;
  const denominator = Math.floor(maxPart / Math.max(1, ratio));
  const numerator = Math.round(ratio * denominator);
  return denominator >= 1 && numerator >= 1 ? [numerator, denominator] : undefined;
}
