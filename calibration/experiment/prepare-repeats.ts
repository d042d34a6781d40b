import { counted } from "../../core/counted.ts";
import { usageError } from "../../core/errors.ts";
import { listed } from "../../formats/files-of.ts";
import { addTo } from "../metrics/noisy-references.ts";
import { type Bleaching, measureBleaching, undoBleaching } from "./bleaching.ts";
import { type CommonField, commonField, type Drift, measureDrift } from "./drift.ts";
import type { Repeats } from "./repeats.ts";

/** Repeats with drift and bleaching undone, and what was found on the way. */
export interface PreparedRepeats {
  readonly repeats: Repeats;
  readonly drift: Drift;
  readonly bleaching: Bleaching;
  /** Names of images that could not be brought onto whole pixels and are not used. */
  readonly leftOut: string[];
  /** As `stillness` gives it, after all corrections. */
  readonly stillness: number;
}

/** Below this the repeats do not show the same field. */
const moving = 0.5;

/**
 * Looks at all repeats once, moves them back by whole pixels, crops to what all show and divides by one brightness
 * factor each. Throws `usageError` where drift, bleaching or motion cannot be undone without touching the noise.
 */
export async function prepareRepeats(
  source: Repeats,
  options: {
    /** Grey value without light, where known. */
    readonly offset?: number | undefined;
    /**
     * `bleaching` (the default): it falls a little from repeat to repeat. `exposures`: images of several levels, brought
     * to the brightness of the highest. `fixed`: one image judges the other, and brightness is not touched.
     */
    readonly brightness?: "bleaching" | "exposures" | "fixed";
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((done: number, total: number) => void) | undefined;
  } = {},
): Promise<PreparedRepeats> {
  const projections = await projectionsOf(source, options.onProgress, options.signal);
  const drift = measureDrift(projections, source);
  const field = commonField(drift, source);
  if (Math.min(field.height, field.width) < 32) {
    throw usageError("the field drifted so far that the repeats share too little of it", {
      code: "drift-large",
      found: `${field.height} x ${field.width} pixels in common`,
      allowed: "at least 32 x 32",
      remedy: "Record the repeats again without moving the sample",
    });
  }
  const aligned = drift.kept.map((index) =>
    cropped(projections[index] ?? new Float32Array(), source.width, field, drift.undone[index]),
  );
  const { brightness = "bleaching" } = options;
  const judges = highest(drift.kept.map((index) => source.averages[index] ?? 1));
  const bleaching =
    brightness === "fixed"
      ? untouched(aligned.length)
      : measureBleaching(aligned, field, options.offset, brightness === "exposures" ? { judges } : undefined);
  if (bleaching.corrected) {
    aligned.forEach((image, index) => {
      undoBleaching(image, bleaching.factors[index] ?? 1, bleaching.offset);
    });
  }
  const steadiness = stillness(aligned);
  if (brightness === "bleaching" && steadiness < moving) {
    throw usageError("the repeats do not show the same field: it changes from image to image", {
      code: "field-moves",
      found: `steps between neighbours explain ${(100 * steadiness).toFixed(0)} % of the differences (pure noise: 100 %)`,
      allowed: `at least ${100 * moving} %`,
      remedy: "Repeat a field that keeps still for the time of all repeats, or record them faster",
    });
  }
  const leftOut = source.names.filter((_, index) => !drift.kept.includes(index));
  const repeats = preparedView(source, drift, field, bleaching);
  return { repeats, drift, bleaching, leftOut, stillness: steadiness };
}

/** Places of the largest number. */
function highest(averages: readonly number[]): number[] {
  const most = Math.max(...averages);
  return Array.from(averages.keys()).filter((index) => averages[index] === most);
}

function untouched(images: number): Bleaching {
  return {
    factors: new Array<number>(images).fill(1),
    offset: 0,
    offsetFrom: "assumed 0",
    range: 0,
    corrected: false,
  };
}

function preparedView(source: Repeats, drift: Drift, field: CommonField, bleaching: Bleaching): Repeats {
  const { kept, undone } = drift;
  return {
    acquisition: source.acquisition,
    files: source.files,
    depth: source.depth,
    height: field.height,
    width: field.width,
    averages: kept.map((index) => source.averages[index] ?? 1),
    names: kept.map((index) => source.names[index] ?? ""),
    async readPlane(index, z, signal) {
      const of = kept[index] ?? index;
      const plane = cropped(await source.readPlane(of, z, signal), source.width, field, undone[of]);
      if (bleaching.corrected) undoBleaching(plane, bleaching.factors[index] ?? 1, bleaching.offset);
      return plane;
    },
    close: () => source.close(),
  };
}

function cropped(
  plane: Float32Array,
  stride: number,
  field: CommonField,
  shift = { y: 0, x: 0 },
): Float32Array {
  const { top, left, height, width } = field;
  if (width === stride && plane.length === height * width) return plane;
  const part = new Float32Array(height * width);
  for (let row = 0; row < height; row += 1) {
    const from = (row + top + shift.y) * stride + left + shift.x;
    part.set(plane.subarray(from, from + width), row * width);
  }
  return part;
}

/** Mean over all planes of each image, `[Y, X]`. Holds one plane per image. */
async function projectionsOf(
  repeats: Repeats,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<readonly Float32Array[]> {
  const projections: Float32Array[] = [];
  for (let index = 0; index < repeats.averages.length; index += 1) {
    const sum = new Float64Array(repeats.height * repeats.width);
    for (let z = 0; z < repeats.depth; z += 1) {
      signal?.throwIfAborted();
      addTo(sum, await repeats.readPlane(index, z, signal));
    }
    projections.push(Float32Array.from(sum, (value) => value / repeats.depth));
    onProgress?.(index + 1, repeats.averages.length);
  }
  return projections;
}

/**
 * Half the mean squared step from each image to the next, over the variance of all images (von Neumann 1941). 1 where
 * images differ by independent noise; below 1 where something in the field changes slowly.
 *
 * Projections `[Y, X]`, in order of recording. NaN for fewer than three.
 */
export function stillness(projections: readonly Float32Array[]): number {
  const count = projections.length;
  const first = projections[0];
  if (first === undefined || count < 3) return Number.NaN;
  let steps = 0;
  let spread = 0;
  for (let at = 0; at < first.length; at += 1) {
    let mean = 0;
    for (const image of projections) mean += (image[at] ?? 0) / count;
    let before = Number.NaN;
    for (const image of projections) {
      const value = image[at] ?? 0;
      spread += (value - mean) ** 2;
      if (!Number.isNaN(before)) steps += (value - before) ** 2 / 2;
      before = value;
    }
  }
  return spread === 0 ? 1 : steps / spread;
}

/** Why images are not used; undefined where all are. */
export function leftOutReason({ leftOut, drift }: PreparedRepeats): string | undefined {
  if (leftOut.length === 0) return undefined;
  return (
    `drift: after whole pixels were undone ${leftOut.length === 1 ? "it was" : "they were"} still off by more than ` +
    `${drift.allowed.toFixed(2)} pixels, and moving ${leftOut.length === 1 ? "it" : "them"} by fractions of a pixel would smooth the reference`
  );
}

/** "2 of 6 repeats are left out (scan-001, scan-003) for drift: …"; undefined where all are used. */
export function leftOutSentence(prepared: PreparedRepeats): string | undefined {
  const reason = leftOutReason(prepared);
  if (reason === undefined) return undefined;
  const { leftOut, drift, repeats } = prepared;
  const what = repeats.averages.some((averages) => averages > 1) ? "image" : "repeat";
  const are = leftOut.length === 1 ? "is" : "are";
  return `${leftOut.length} of ${counted(drift.measured.length, what)} ${are} left out (${listed(leftOut)}) for ${reason}.`;
}
