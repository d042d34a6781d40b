import type { PixelSize } from "../../core/acquisition.ts";
import { formatError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { elementCount } from "../../core/tensor.ts";
import { statedDuration, statedLength } from "../ome/units.ts";
import type { StoredAxes } from "../plane/stored-axes.ts";
import type { DirectoryReader } from "./ifd.ts";
import { checkContiguousPlanes, type TiffSeries } from "./series.ts";
import { tag } from "./tags.ts";
import { pageLayout, type TiffFile } from "./tiff-file.ts";

/**
 * The stack of an ImageJ TIFF; undefined where the file is not ImageJ's. Above 4 GiB ImageJ writes one directory
 * only, with all planes behind the first one.
 */
export async function readImageJSeries(
  reader: DirectoryReader,
  tiff: TiffFile,
): Promise<readonly TiffSeries[] | undefined> {
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
  const interval = Number(said.values.get("finterval") ?? "0");
  const series = {
    file,
    members: [tiff],
    placeOf: (index: number) =>
      oneDirectory ? { member: 0, page: 0, skip: index } : { member: 0, page: index, skip: 0 },
    facts: {
      make: "ImageJ" as const,
      stored,
      pixelSize: imageJPixelSize(said, await pixelsPerUnit(reader)),
      ...present({ timeIncrement: statedDuration(interval, said.values.get("tunit") ?? "s") }),
      original: { kind: "text" as const, text: description },
      notes: imageJNotes(said),
    },
  };
  return [series];
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

/** What the ImageDescription of an ImageJ TIFF says: `key=value` lines, the first of which is `ImageJ=1.53t`. */
interface ImageJDescription {
  readonly images: number;
  readonly channels: number;
  readonly slices: number;
  readonly frames: number;
  /** Which axis runs fastest, second, slowest, in ImageJ's letters; "czt" where it says nothing. */
  readonly order: string;
  readonly values: ReadonlyMap<string, string>;
}

/** Undefined where a count is impossible. */
function parseImageJ(description: string): ImageJDescription | undefined {
  const values = new Map<string, string>();
  for (const line of description.split(/\r\n|\n|\r/)) {
    const equals = line.indexOf("=");
    const key = line.slice(0, equals).trim();
    if (equals > 0 && !values.has(key)) values.set(key, line.slice(equals + 1).trim());
  }
  const count = (key: string): number => Number(values.get(key) ?? "1");
  const [images, channels] = [count("images"), count("channels")];
  const [slices, frames] = [count("slices"), count("frames")];
  if (![images, channels, slices, frames].every((n) => Number.isSafeInteger(n) && n >= 1)) return undefined;
  return { images, channels, slices, frames, order: (values.get("order") ?? "czt").toLowerCase(), values };
}

/** ImageJ's orders, fastest first, as letters slowest first. */
const lettersOfOrder: Readonly<Record<string, string>> = {
  default: "TZC",
  czt: "TZC",
  ctz: "ZTC",
  zct: "TCZ",
  ztc: "CTZ",
  tcz: "ZCT",
  tzc: "CZT",
};

/**
 * The axes of the stack beside Y and X. `pages` is the number of directories: where the description names no axis
 * but there are several, they are a sequence without a name (I). Undefined for an unknown order.
 */
function imageJAxes(description: ImageJDescription, pages: number): StoredAxes | undefined {
  const { channels, slices, frames } = description;
  const letters = lettersOfOrder[description.order];
  if (letters === undefined) return undefined;
  const named = channels * slices * frames;
  if (named === 1) {
    const sequence = Math.max(pages, description.images);
    return { letters: "I", lengths: [sequence] };
  }
  const lengths = { T: frames, Z: slices, C: channels };
  return { letters, lengths: [...letters].map((letter) => lengths[letter as "T" | "Z" | "C"]) };
}

/**
 * Pixel size: X and Y from the resolution tags (pixels per unit), the unit from the description, Z from its
 * `spacing`. Without a unit nothing is known. Like tifffile and Bio-Formats this takes `unit` for all three axes;
 * `imageJNotes` tells where the file says otherwise.
 */
function imageJPixelSize(
  description: ImageJDescription,
  pixelsPerUnit: { x: number | undefined; y: number | undefined },
): PixelSize {
  const unit = description.values.get("unit");
  if (unit === undefined || unit === "") return {};
  return present({
    x: statedLength(1 / (pixelsPerUnit.x ?? 0), unit),
    y: statedLength(1 / (pixelsPerUnit.y ?? 0), unit),
    z: statedLength(Number(description.values.get("spacing") ?? "0"), unit),
  });
}

/**
 * What a reader should know: units that differ by axis, and the linear calibration (`cf=0`, `c0=-32768`, `c1=1`)
 * with which ImageJ keeps signed 16 bit images as unsigned ones; we do not apply it.
 */
function imageJNotes(description: ImageJDescription): string[] {
  const notes: string[] = [];
  const stated = (key: string): string | undefined => description.values.get(key);
  for (const key of ["yunit", "zunit"]) {
    const other = stated(key);
    if (other !== undefined && other !== stated("unit")) {
      notes.push(`the description also says ${key}=${other}; sizes are given in its unit=${stated("unit")}`);
    }
  }
  if (stated("cf") === "0" && stated("c0") !== undefined) {
    const unit = stated("vunit") ?? "gray value";
    notes.push(`ImageJ calibration not applied: ${unit} = ${stated("c0")} + ${stated("c1") ?? "1"} x stored`);
  }
  return notes;
}
