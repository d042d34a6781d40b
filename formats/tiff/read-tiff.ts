import { looksLikeOmeXml } from "../ome/xml-read.ts";
import type { FormatReader } from "../plane/series-found.ts";
import { isTiff, openDirectoryReader } from "./ifd.ts";
import { readImageJSeries } from "./imagej-series.ts";
import { readMetaMorphSeries } from "./metamorph-series.ts";
import { readOmeSeries } from "./ome-series.ts";
import { readPlainSeries } from "./plain-series.ts";
import { refusePrivateMakes } from "./private-makes.ts";
import { readShapedSeries } from "./shaped-series.ts";
import { readTiffFile } from "./tiff-file.ts";

/** Reads TIFF and BigTIFF of every make: OME-TIFF, ImageJ, MetaMorph, tifffile, and plain pages. */
export const tiffReader: FormatReader = {
  recognises: isTiff,
  async find(source, limits, reading) {
    const reader = await openDirectoryReader(source, limits);
    const tiff = await readTiffFile(reader, limits, reading);
    const { file, description: xml } = tiff;
    if (looksLikeOmeXml(xml)) return readOmeSeries({ file, xml, own: tiff, limits, reading });
    await refusePrivateMakes(reader, tiff, limits);
    return (
      (await readImageJSeries(reader, tiff, limits)) ??
      (await readMetaMorphSeries(reader, tiff, limits)) ??
      (await readShapedSeries(reader, tiff, limits)) ??
      readPlainSeries(tiff, limits)
    );
  },
};
