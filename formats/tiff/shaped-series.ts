import { unsupportedError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import type { ReadLimits } from "../file/reading.ts";
import type { StoredAxes } from "../plane/stored-axes.ts";
import type { DirectoryReader } from "./ifd.ts";
import type { PageLayout } from "./page.ts";
import { paletteRefusal } from "./plain-series.ts";
import { checkContiguousPlanes, type TiffSeries } from "./series.ts";
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
): Promise<readonly TiffSeries[] | undefined> {
  if (parseShaped(tiff.description) === undefined) return undefined;
  const all: TiffSeries[] = [];
  let page = 0;
  while (page < tiff.pages.count && all.length <= limits.maxSeries) {
    const text = await readText(reader, tiff.pages.directoryOf[page] ?? 0, tag.imageDescription, limits);
    const said = parseShaped(text);
    if (said === undefined) return undefined;
    const layout = pageLayout(tiff, page);
    const palette = paletteRefusal(tiff.file, layout);
    if (palette !== undefined) throw palette;
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
  return all;
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

/**
 * The description that tifffile writes: JSON with the shape of the array and perhaps its axes, on the first page
 * of each series; older versions wrote `shape=(2, 3, 4)`.
 */
interface ShapedDescription {
  readonly shape: readonly number[];
  readonly axes?: string;
  readonly name?: string;
  /** Whether only the first plane has a directory and the others follow it. */
  readonly truncated: boolean;
}

/** Undefined where the text is no such description. */
function parseShaped(description: string): ShapedDescription | undefined {
  const old = /^shape=\(([\d, ]+)\)\s*$/.exec(description);
  if (old !== null) {
    const shape = (old[1] ?? "").split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part)]));
    return isShape(shape) ? { shape, truncated: false } : undefined;
  }
  if (!description.startsWith("{") || !description.includes('"shape"')) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(description);
  } catch {
    return undefined;
  }
  const { shape, axes, name, truncated } = parsed as Readonly<Record<string, unknown>>;
  if (!Array.isArray(shape) || !isShape(shape)) return undefined;
  return {
    shape,
    truncated: truncated === true,
    ...(typeof axes === "string" ? { axes } : {}),
    ...(typeof name === "string" ? { name } : {}),
  };
}

function isShape(shape: readonly unknown[]): shape is readonly number[] {
  return shape.length >= 2 && shape.every((n) => Number.isSafeInteger(n) && (n as number) >= 1);
}

/**
 * The axes beside Y and X: those named, else Q (no name) for each. Undefined where the shape does not end in the
 * rows and columns of the page, or names samples of a pixel (S) or an axis twice.
 */
function shapedAxes(description: ShapedDescription, layout: PageLayout): StoredAxes | undefined {
  const { shape } = description;
  const lengths = shape.slice(0, -2);
  if (shape.at(-2) !== layout.length || shape.at(-1) !== layout.width) return undefined;
  const axes = description.axes?.length === shape.length ? description.axes.toUpperCase() : undefined;
  if (axes === undefined) return { letters: "Q".repeat(lengths.length), lengths };
  const letters = axes.slice(0, -2);
  // Letters beyond T, C and Z (R: positions, A: angles, …) have no place in an acquisition and count as depth.
  const known = /^[A-RT-WZ]*YX$/.test(axes);
  const twice = ["T", "C", "Z"].some((letter) => letters.split(letter).length > 2);
  return known && !twice ? { letters, lengths } : undefined;
}
