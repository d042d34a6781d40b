import { openByteSource } from "../file/byte-source.ts";
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
  async find(file, limits, signal) {
    const source = await openByteSource(file);
    try {
      const reader = await openDirectoryReader(source, limits);
      const tiff = await readTiffFile(reader, limits, signal);
      if (looksLikeOmeXml(tiff.description)) {
        return await readOmeSeries({ file, xml: tiff.description, own: tiff, limits, signal });
      }
      await refusePrivateMakes(reader, tiff, limits);
      return (
        (await readImageJSeries(reader, tiff, limits)) ??
        (await readMetaMorphSeries(reader, tiff, limits)) ??
        (await readShapedSeries(reader, tiff, limits)) ??
        readPlainSeries(tiff, limits)
      );
    } finally {
      await source.close();
    }
  },
};
