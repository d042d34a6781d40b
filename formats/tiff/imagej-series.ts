import { formatError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import type { ReadLimits } from "../file/limits.ts";
import type { OpenedFile } from "../plane/series-found.ts";
import type { DirectoryReader } from "./ifd.ts";
import { imageJAxes, imageJNotes, imageJPixelSize, imageJTimeIncrement, parseImageJ } from "./imagej.ts";
import { checkContiguousPlanes, openedTiff } from "./series.ts";
import { tag } from "./tags.ts";
import { pageLayout, type TiffFile } from "./tiff-file.ts";

/**
 * The stack of an ImageJ TIFF; undefined where the file is not ImageJ's. Above 4 GiB ImageJ writes one directory
 * only, with all planes behind the first one.
 */
export async function readImageJSeries(
  reader: DirectoryReader,
  tiff: TiffFile,
  limits: ReadLimits,
): Promise<OpenedFile | undefined> {
  const { file, description, pages } = tiff;
  if (!/^(ImageJ|SCIFIO)=/.test(description)) return undefined;
  const said = parseImageJ(description);
  const stored = said && imageJAxes(said, pages.count);
  if (said === undefined || stored === undefined) {
    throw formatError("the ImageJ description is damaged: impossible counts or order of axes", {
      code: "imagej-description",
      file,
      remedy: "Open the file in ImageJ and save it again.",
    });
  }
  // Colour images and the like are refused before their planes are counted.
  pageLayout(tiff, 0);
  const planes = elementCount(stored.lengths);
  const oneDirectory = pages.count === 1 && planes > 1;
  if (oneDirectory) {
    checkContiguousPlanes(tiff, 0, planes, "ImageJ description");
  } else if (pages.count !== planes) {
    throw formatError("the ImageJ description and the pages do not agree", {
      code: "imagej-planes",
      file,
      found: `${pages.count} pages`,
      allowed: `${planes} (${said.channels} channels, ${said.slices} slices, ${said.frames} frames)`,
      remedy: "Copy it again, or wait until it is written completely.",
      retryable: true,
    });
  }
  const timeIncrement = imageJTimeIncrement(said);
  const series = {
    file,
    members: [tiff],
    placeOf: (index: number) =>
      oneDirectory ? { member: 0, page: 0, skip: index } : { member: 0, page: index, skip: 0 },
    facts: {
      make: "ImageJ" as const,
      stored,
      pixelSize: imageJPixelSize(said, await pixelsPerUnit(reader)),
      ...(timeIncrement === undefined ? {} : { timeIncrement }),
      original: { kind: "text" as const, text: description },
      notes: imageJNotes(said),
    },
  };
  return openedTiff([series], limits);
}

/** XResolution and YResolution of the first page: pixels per unit. */
async function pixelsPerUnit(
  reader: DirectoryReader,
): Promise<{ x: number | undefined; y: number | undefined }> {
  const directory = await reader.directory(reader.header.firstDirectory);
  const quotient = async (number: number): Promise<number | undefined> => {
    const entry = directory.entries.get(number);
    return entry?.count === 1 ? (await reader.numbers(entry, 1))[0] : undefined;
  };
  return { x: await quotient(tag.xResolution), y: await quotient(tag.yResolution) };
}
