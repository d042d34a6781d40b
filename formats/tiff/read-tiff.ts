import { formatError, unsupportedError } from "../../core/errors.ts";
import type { ByteSource } from "../file/byte-source.ts";
import type { Reading, ReadLimits } from "../file/reading.ts";
import { looksLikeOmeXml } from "../ome/xml-read.ts";
import type { FormatReader } from "../plane/plane-source.ts";
import { type DirectoryReader, isTiff, openDirectoryReader } from "./ifd.ts";
import { readImageJSeries } from "./imagej-series.ts";
import { readMetaMorphSeries } from "./metamorph-series.ts";
import { readOmeSeries } from "./ome-series.ts";
import { readPlainSeries } from "./plain-series.ts";
import { isScanImage, readScanImageSeries } from "./scanimage-series.ts";
import { type FoundSeries, openedTiff } from "./series.ts";
import { readShapedSeries } from "./shaped-series.ts";
import { tag } from "./tags.ts";
import { readText, readTiffFile, type TiffFile } from "./tiff-file.ts";

/** Reads TIFF and BigTIFF of every make: OME-TIFF, ImageJ, MetaMorph, tifffile, and plain pages. */
export const tiffReader: FormatReader = {
  recognises: isTiff,
  find: async (source, limits, reading) => openedTiff(await findTiffSeries(source, limits, reading), limits),
};

/** The images of a TIFF, as `FormatReader.find`; their planes are not checked yet. */
export async function findTiffSeries(
  source: ByteSource,
  limits: ReadLimits,
  reading: Reading,
): Promise<FoundSeries> {
  const reader = await openDirectoryReader(source, limits);
  const tiff = await readTiffFile(reader, limits, reading);
  const { file, description: xml } = tiff;
  if (looksLikeOmeXml(xml)) return readOmeSeries({ file, xml, own: tiff, limits, reading });
  const software = await readText(reader, reader.header.firstDirectory, tag.software, limits);
  if (tiff.pages.count > 1 && isScanImage(software)) return { all: [readScanImageSeries(tiff, software)] };
  await refusePrivateMakes(reader, tiff);
  const all =
    (await readImageJSeries(reader, tiff)) ??
    (await readMetaMorphSeries(reader, tiff)) ??
    (await readShapedSeries(reader, tiff, limits)) ??
    readPlainSeries(tiff);
  return { all };
}

/**
 * Refuses files whose meaning stands in private fields that we do not read: taken as plain pages, channels or times
 * would be mixed up as depth, or values be wrong. A single plane has no axes to mix up.
 */
async function refusePrivateMakes(reader: DirectoryReader, tiff: TiffFile): Promise<void> {
  const { entries } = await reader.directory(reader.header.firstDirectory);
  const refuse = (what: string) =>
    unsupportedError(what, {
      code: "tiff-private-make",
      file: tiff.file,
      remedy: "Export it as OME-TIFF from the program that wrote it, or from Fiji.",
    });
  if (entries.has(tag.mdFileTag)) {
    throw refuse("Molecular Dynamics GEL files are not read: their values are square roots of intensities");
  }
  if (tiff.pages.count === 1) return;
  if (entries.has(tag.fluoViewStamp)) throw refuse("the axes of Olympus FluoView TIFFs are not read");
  if (entries.has(tag.olympusSis)) throw refuse("the axes of Olympus SIS TIFFs are not read");
  const { description } = tiff;
  const scanImage = description.startsWith("state.") || description.slice(-256).includes("scanimage.SI");
  if (scanImage) throw refuse("the axes of ScanImage TIFFs from before 2016 are not read");
}

/** Reads a set of OME-TIFFs from its `.companion.ome` file: OME-XML on its own, which names the files. */
export const companionReader: FormatReader = {
  recognises: (head) => looksLikeOmeXml(new TextDecoder().decode(head)),
  async find(source, limits, reading) {
    const { file, size } = source;
    if (size > limits.maxTextBytes) {
      throw formatError("the OME-XML is larger than is allowed", {
        code: "ome-xml",
        file,
        found: `${size} bytes`,
        allowed: `${limits.maxTextBytes} bytes`,
        remedy: "Name a TIFF of the set instead.",
      });
    }
    const bytes = Buffer.allocUnsafe(size);
    await source.readInto(bytes, 0);
    const xml = bytes.toString("utf8");
    return openedTiff(await readOmeSeries({ file, xml, own: undefined, limits, reading }), limits);
  },
};
