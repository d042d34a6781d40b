import { unsupportedError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import type { ReadLimits } from "../file/limits.ts";
import type { OpenedFile } from "../plane/series-found.ts";
import type { DirectoryReader } from "./ifd.ts";
import type { PageLayout } from "./page.ts";
import { refusePalette } from "./plain-series.ts";
import { checkContiguousPlanes, openedTiff, type TiffSeries } from "./series.ts";
import { parseShaped, type ShapedDescription, shapedAxes } from "./shaped.ts";
import { tag } from "./tags.ts";
import { pageLayout, readText, type TiffFile } from "./tiff-file.ts";

/**
 * The series that tifffile wrote one after the other, each with its shape as JSON on its first page; undefined
 * where the pages do not bear the descriptions out (then they are plain pages).
 */
export async function readShapedSeries(
  reader: DirectoryReader,
  tiff: TiffFile,
  limits: ReadLimits,
): Promise<OpenedFile | undefined> {
  if (parseShaped(tiff.description) === undefined) return undefined;
  const all: TiffSeries[] = [];
  let page = 0;
  while (page < tiff.pages.count && all.length <= limits.maxSeries) {
    const text = await readText(reader, tiff.pages.directoryOf[page] ?? 0, tag.imageDescription, limits);
    const said = parseShaped(text);
    if (said === undefined) return undefined;
    const layout = pageLayout(tiff, page);
    refusePalette(tiff.file, layout);
    const stored = shapedAxes(said, layout);
    if (stored === undefined) {
      refuseHiddenPlanes(tiff, said, layout);
      return undefined;
    }
    const planes = elementCount(stored.lengths);
    // Where there are fewer directories than planes, all planes follow the first one.
    const oneDirectory = planes > 1 && (said.truncated || page + planes > tiff.pages.count);
    if (oneDirectory) checkContiguousPlanes(tiff, page, planes, "description");
    const first = page;
    all.push({
      file: tiff.file,
      members: [tiff],
      placeOf: (index) =>
        oneDirectory ? { member: 0, page: first, skip: index } : { member: 0, page: first + index, skip: 0 },
      facts: {
        make: "TIFF",
        stored,
        ...(said.name === undefined ? {} : { name: said.name }),
        original: { kind: "text", text },
        notes: [],
      },
    });
    page += oneDirectory ? 1 : planes;
  }
  return openedTiff(all, limits);
}

/** A description that we do not understand may stand for planes without directories: they must not get lost. */
function refuseHiddenPlanes(tiff: TiffFile, said: ShapedDescription, layout: PageLayout): void {
  const values = elementCount(said.shape);
  if (values <= tiff.pages.count * layout.width * layout.length) return;
  throw unsupportedError("the description names axes that we do not read", {
    code: "shaped-axes",
    file: tiff.file,
    found: `shape ${said.shape.join(" x ")}${said.axes === undefined ? "" : `, axes ${said.axes}`}`,
    remedy: "Save it as OME-TIFF or as ImageJ hyperstack.",
  });
}
