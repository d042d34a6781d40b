import { type Length, type SampleType, sampleTypes } from "../../core/acquisition.ts";
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
import { asciiField, type Flavour, type TiffField } from "./write-directory.ts";

/** Strips of one plane: where they start in the file, and their lengths there, in bytes. */
export interface Strips {
  readonly offsets: readonly number[];
  readonly byteCounts: readonly number[];
}

/** The fields of one plane's directory: a single channel, black is zero, in strips. */
export function imageFields(
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
