import type { Duration, PixelSize } from "../../core/acquisition.ts";
import { present } from "../../core/record.ts";
import { statedDuration, statedLength } from "../ome/units.ts";
import type { StoredAxes } from "../plane/stored-axes.ts";

/** What the ImageDescription of an ImageJ TIFF says: `key=value` lines, the first of which is `ImageJ=1.53t`. */
export interface ImageJDescription {
  readonly images: number;
  readonly channels: number;
  readonly slices: number;
  readonly frames: number;
  /** Which axis runs fastest, second, slowest, in ImageJ's letters; "czt" where it says nothing. */
  readonly order: string;
  readonly values: ReadonlyMap<string, string>;
}

/** Undefined where the text is not ImageJ's, or a count in it is impossible. */
export function parseImageJ(description: string): ImageJDescription | undefined {
  if (!/^(ImageJ|SCIFIO)=/.test(description)) return undefined;
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
export function imageJAxes(description: ImageJDescription, pages: number): StoredAxes | undefined {
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
export function imageJPixelSize(
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

export function imageJTimeIncrement(description: ImageJDescription): Duration | undefined {
  const interval = Number(description.values.get("finterval") ?? "0");
  return statedDuration(interval, description.values.get("tunit") ?? "s");
}

/**
 * What a reader should know: units that differ by axis, and the linear calibration (`cf=0`, `c0=-32768`, `c1=1`)
 * with which ImageJ keeps signed 16 bit images as unsigned ones; we do not apply it.
 */
export function imageJNotes(description: ImageJDescription): string[] {
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
