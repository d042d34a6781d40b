import { unsupportedError } from "../../core/errors.ts";
import type { ReadLimits } from "../file/limits.ts";
import type { DirectoryReader } from "./ifd.ts";
import { tag } from "./tags.ts";
import { readText, type TiffFile } from "./tiff-file.ts";

/**
 * Refuses files whose meaning stands in private fields that we do not read: taken as plain pages, channels or times
 * would be mixed up as depth, or values be wrong. A single plane has no axes to mix up.
 */
export async function refusePrivateMakes(
  reader: DirectoryReader,
  tiff: TiffFile,
  limits: ReadLimits,
): Promise<void> {
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
  const software = await readText(reader, reader.header.firstDirectory, tag.software, limits);
  const { description } = tiff;
  const scanImage =
    software.startsWith("SI.") ||
    description.startsWith("state.") ||
    description.slice(-256).includes("scanimage.SI");
  if (scanImage) throw refuse("the axes of ScanImage TIFFs are not read");
}
