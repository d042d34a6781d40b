import type { StoredAxes } from "../plane/stored-axes.ts";
import type { PageLayout } from "./page.ts";

/**
 * The description that tifffile writes: JSON with the shape of the array and perhaps its axes, on the first page
 * of each series; older versions wrote `shape=(2, 3, 4)`.
 */
export interface ShapedDescription {
  readonly shape: readonly number[];
  readonly axes?: string;
  readonly name?: string;
  /** Whether only the first plane has a directory and the others follow it. */
  readonly truncated: boolean;
}

/** Undefined where the text is no such description. */
export function parseShaped(description: string): ShapedDescription | undefined {
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
export function shapedAxes(description: ShapedDescription, layout: PageLayout): StoredAxes | undefined {
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
