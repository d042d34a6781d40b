import { type SampleType, sampleTypes } from "../../core/acquisition.ts";
import { type EdgeErrorFields, formatError, unsupportedError } from "../../core/errors.ts";
import type { ReadLimits } from "../file/reading.ts";
import type { Directory, DirectoryReader } from "./ifd.ts";
import {
  compression,
  compressionName,
  photometric,
  photometricName,
  predictor,
  sampleFormat,
  tag,
} from "./tags.ts";

/** How the samples of a page are stored, one sample a pixel. Many pages of a file share one layout. */
export interface PageLayout {
  /** Samples in a row, and rows. */
  readonly width: number;
  readonly length: number;
  readonly sampleType: SampleType;
  readonly photometric: number;
  readonly compression: number;
  readonly predictor: number;
  /** Segments are strips (as wide as the image) or tiles (the last ones stand out over its edges). */
  readonly tiled: boolean;
  readonly segmentWidth: number;
  readonly segmentLength: number;
  readonly segmentsAcross: number;
  readonly segmentsDown: number;
  readonly orientation: number;
}

/** Bytes of one decoded plane. */
export function planeBytes(layout: PageLayout): number {
  return layout.width * layout.length * sampleTypes[layout.sampleType].bytes;
}

/** Bytes of one decoded strip with all its rows, or of one tile. */
export function segmentBytes(layout: PageLayout): number {
  return layout.segmentWidth * layout.segmentLength * sampleTypes[layout.sampleType].bytes;
}

const readCompressions: ReadonlySet<number> = new Set([
  compression.none,
  compression.lzw,
  compression.deflate,
  compression.oldDeflate,
  compression.packBits,
  compression.zstd,
]);

/** Photometric interpretations in which a sample is an intensity, or (palette) an index that may be one. */
const scalarPhotometrics: ReadonlySet<number> = new Set([
  photometric.minIsWhite,
  photometric.minIsBlack,
  photometric.palette,
]);

const convertRemedy = "Save it as an uncompressed 8, 16 or 32 bit grey TIFF, for example with ImageJ.";

/**
 * Reads and checks the layout of a page. Throws `EdgeError`: `format` where it cannot be (no pixels, impossible
 * sizes), `unsupported` where it is no scalar image of ours; the message says which.
 */
export async function readPageLayout(
  reader: DirectoryReader,
  directory: Directory,
  limits: ReadLimits,
): Promise<PageLayout> {
  const at = `directory at byte ${directory.offset}`;
  const damaged = (what: string, fields: Partial<EdgeErrorFields>) =>
    formatError(what, {
      code: "tiff-page",
      file: reader.source.file,
      at,
      remedy: "The file is damaged; save it again with another program.",
      ...fields,
    });
  const refused = (what: string, fields: EdgeErrorFields) =>
    unsupportedError(what, { file: reader.source.file, remedy: convertRemedy, ...fields });

  const values = async (number: number, maxCount = 4096): Promise<Float64Array | undefined> => {
    const entry = directory.entries.get(number);
    if (entry === undefined || entry.count === 0) return undefined;
    return reader.numbers(entry, maxCount);
  };
  const value = async (number: number, fallback: number): Promise<number> =>
    (await values(number))?.[0] ?? fallback;

  if (directory.entries.has(tag.czLsmInfo)) {
    throw refused("Zeiss LSM files are not read", {
      code: "lsm-unsupported",
      remedy: "Export the image from ZEN as OME-TIFF, or save it from Fiji as TIFF.",
    });
  }

  const width = await value(tag.imageWidth, 0);
  const length = await value(tag.imageLength, 0);
  if (!(Number.isInteger(width) && Number.isInteger(length) && width > 0 && length > 0)) {
    throw damaged("the image has no samples", { found: `${width} x ${length} pixels` });
  }
  const samplesPerPixel = await value(tag.samplesPerPixel, 1);
  if (!Number.isInteger(samplesPerPixel) || samplesPerPixel < 1 || samplesPerPixel > 4096) {
    throw damaged("SamplesPerPixel is impossible", { found: String(samplesPerPixel) });
  }
  const interpretation = await value(tag.photometricInterpretation, photometric.minIsBlack);
  if (!scalarPhotometrics.has(interpretation)) {
    throw refused("this is a colour image, and only grey images are read", {
      code: "tiff-photometric",
      found: photometricName[interpretation] ?? `PhotometricInterpretation ${interpretation}`,
      allowed: "grey values",
      remedy: "Save its channels as grey images, for example with ImageJ (Image > Color > Split Channels).",
    });
  }
  if (samplesPerPixel > 1) {
    throw refused("several samples per pixel are not read", {
      code: "tiff-samples-per-pixel",
      found: `${samplesPerPixel} samples`,
      allowed: "1",
      remedy: "Save each channel as a separate page, for example with ImageJ.",
    });
  }
  const scheme = await value(tag.compression, compression.none);
  if (!readCompressions.has(scheme)) {
    throw refused("this compression is not read", {
      code: "tiff-compression",
      found: compressionName[scheme] ?? `number ${scheme}`,
      allowed: "none, LZW, deflate, PackBits, zstd",
    });
  }
  const sampleType = sampleTypeOf(
    await values(tag.bitsPerSample),
    await values(tag.sampleFormat),
    samplesPerPixel,
  );
  if (typeof sampleType === "object") {
    throw sampleType.impossible
      ? damaged("BitsPerSample is impossible", { found: sampleType.found })
      : refused("this type of sample is not read", {
          code: "tiff-sample-type",
          found: sampleType.found,
          allowed: "8, 16 or 32 bit integers, 32 or 64 bit floats",
        });
  }

  const bytes = width * length * sampleTypes[sampleType].bytes;
  if (bytes > limits.maxPlaneBytes) {
    throw damaged("a plane is larger than is allowed", {
      code: "tiff-plane-size",
      found: `${width} x ${length} pixels, ${bytes} bytes`,
      allowed: `at most ${limits.maxPlaneBytes} bytes`,
      remedy: "The file is damaged, or must be cropped before.",
    });
  }
  if ((await value(tag.imageDepth, 1)) > 1 || (await value(tag.tileDepth, 1)) > 1) {
    throw refused("volumetric pages (ImageDepth) are not read", {
      code: "tiff-image-depth",
      remedy: "Save it with one page per plane.",
    });
  }
  if ((await value(tag.fillOrder, 1)) !== 1) {
    throw refused("reversed bit order (FillOrder 2) is not read", { code: "tiff-fill-order" });
  }
  const differencing = checkedPredictor(await value(tag.predictor, predictor.none), scheme, sampleType);
  if (typeof differencing === "string") throw refused(differencing, { code: "tiff-predictor" });

  const tiled = directory.entries.has(tag.tileWidth) || directory.entries.has(tag.tileOffsets);
  const rowsPerStrip = tiled ? length : await value(tag.rowsPerStrip, length);
  const segmentWidth = tiled ? await value(tag.tileWidth, 0) : width;
  const segmentLength = tiled ? await value(tag.tileLength, 0) : Math.min(rowsPerStrip, length);
  if (!(segmentWidth > 0 && segmentLength > 0)) {
    throw damaged(tiled ? "tiles have no size" : "strips have no rows", {
      found: `${segmentWidth} x ${segmentLength}`,
    });
  }
  const layout: PageLayout = {
    width,
    length,
    sampleType,
    photometric: interpretation,
    compression: scheme,
    predictor: differencing,
    tiled,
    segmentWidth,
    segmentLength,
    segmentsAcross: Math.ceil(width / segmentWidth),
    segmentsDown: Math.ceil(length / segmentLength),
    orientation: await value(tag.orientation, 1),
  };
  const count = layout.segmentsAcross * layout.segmentsDown;
  const bytesOfSegment = segmentBytes(layout);
  if (!(count <= limits.maxSegmentsPerPage && bytesOfSegment <= limits.maxPlaneBytes)) {
    throw damaged("the page has too many strips or tiles, or too large ones", {
      code: "tiff-segments",
      found: `${count} of ${bytesOfSegment} bytes`,
      allowed: `at most ${limits.maxSegmentsPerPage} of ${limits.maxPlaneBytes} bytes`,
    });
  }
  return layout;
}

/** BitsPerSample and SampleFormat (default 1 and unsigned), which must agree over the samples of a pixel. */
function sampleTypeOf(
  bitsPerSample: Float64Array | undefined,
  formats: Float64Array | undefined,
  samplesPerPixel: number,
): SampleType | { readonly found: string; readonly impossible: boolean } {
  // Some writers list more entries than there are samples; those beyond mean nothing.
  const bitsOf = (bitsPerSample ?? Float64Array.of(1)).subarray(0, samplesPerPixel);
  const formatOf = (formats ?? Float64Array.of(sampleFormat.unsigned)).subarray(0, samplesPerPixel);
  const bits = bitsOf[0] ?? 1;
  const format = formatOf[0] ?? sampleFormat.unsigned;
  if (bitsOf.some((b) => b !== bits) || formatOf.some((f) => f !== format)) {
    return { found: `samples of unlike type (bits ${bitsOf.join(", ")})`, impossible: false };
  }
  if (!Number.isInteger(bits) || bits < 1 || bits > 128) {
    return { found: `${bits} bits`, impossible: true };
  }
  const kind: Readonly<Record<number, string>> = {
    [sampleFormat.unsigned]: "uint",
    [sampleFormat.signed]: "int",
    [sampleFormat.float]: "float",
    // "Undefined data format": baseline readers treat it as unsigned integers (TIFF 6.0 section 19).
    [sampleFormat.void]: "uint",
    [sampleFormat.complexInt]: "complex integer",
    [sampleFormat.complexFloat]: "complex float",
  };
  const name = `${kind[format] ?? `SampleFormat ${format},`}${(kind[format] ?? " ").includes(" ") ? " " : ""}${bits}`;
  if (Object.hasOwn(sampleTypes, name)) return name as SampleType;
  return { found: bits === 1 ? "1 bit (black and white)" : name, impossible: false };
}

/** The predictor, or the reason why it is not read. */
function checkedPredictor(number: number, scheme: number, sampleType: SampleType): number | string {
  if (number === predictor.none) return number;
  if (scheme === compression.none || scheme === compression.packBits) {
    // Readers disagree on whether a predictor without LZW, deflate or zstd is to be undone.
    return `a predictor with compression ${compressionName[scheme]} is not read`;
  }
  if (number === predictor.horizontal) return number;
  if (number === predictor.floatingPoint && !sampleTypes[sampleType].integer) return number;
  return `predictor ${number} on ${sampleType} samples is not read`;
}
