import type { Sizes } from "../../core/acquisition.ts";
import type { PlaneIndex } from "./plane-source.ts";

/**
 * The order in which the planes of a series are stored: axes beside Y and X, slowest first. T, C and Z are
 * themselves; any other letter (Q, I: a sequence of pages with no named axis) counts as depth, together with Z.
 */
export interface StoredAxes {
  readonly letters: string;
  readonly lengths: readonly number[];
}

/** Lengths of T, C and Z. */
export function depthSizes(stored: StoredAxes): Pick<Sizes, "t" | "c" | "z"> {
  const sizes = { t: 1, c: 1, z: 1 };
  stored.lengths.forEach((length, i) => {
    sizes[axisOf(stored.letters[i])] *= length;
  });
  return sizes;
}

/** The place of a plane in the stored order, from 0. */
export function storedIndex(stored: StoredAxes, index: PlaneIndex): number {
  const rest = { t: index.t, c: index.c, z: index.z };
  let place = 0;
  let stride = 1;
  for (let i = stored.lengths.length - 1; i >= 0; i -= 1) {
    const length = stored.lengths[i] ?? 1;
    const axis = axisOf(stored.letters[i]);
    place += (rest[axis] % length) * stride;
    rest[axis] = Math.floor(rest[axis] / length);
    stride *= length;
  }
  return place;
}

/** The plane at a place in the stored order: the inverse of `storedIndex`. */
export function planeAt(stored: StoredAxes, place: number): PlaneIndex {
  const index = { t: 0, c: 0, z: 0 };
  const scale = { t: 1, c: 1, z: 1 };
  let rest = place;
  for (let i = stored.lengths.length - 1; i >= 0; i -= 1) {
    const length = stored.lengths[i] ?? 1;
    const axis = axisOf(stored.letters[i]);
    index[axis] += (rest % length) * scale[axis];
    scale[axis] *= length;
    rest = Math.floor(rest / length);
  }
  return index;
}

/** Without the axes of length 1, as tifffile names a series. */
export function squeezed(stored: StoredAxes): StoredAxes {
  const kept = stored.lengths.flatMap((length, i) => (length === 1 ? [] : [i]));
  return {
    letters: kept.map((i) => stored.letters[i] ?? "Q").join(""),
    lengths: kept.map((i) => stored.lengths[i] ?? 1),
  };
}

function axisOf(letter: string | undefined): "t" | "c" | "z" {
  if (letter === "T") return "t";
  return letter === "C" ? "c" : "z";
}
