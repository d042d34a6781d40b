import { usageError } from "../../core/errors.ts";
import { type Bleaching, measureBleaching, undoBleaching } from "./bleaching.ts";
import { type CommonField, commonField, type Drift, measureDrift } from "./drift.ts";
import { projectionsOf } from "./projections.ts";
import type { Repeats } from "./repeats.ts";
import { stillness } from "./stillness.ts";

/** Repeats with drift and bleaching undone, and what was found on the way. */
export interface PreparedRepeats {
  readonly repeats: Repeats;
  readonly drift: Drift;
  readonly field: CommonField;
  readonly bleaching: Bleaching;
  /** Names of images that could not be brought onto whole pixels and are not used. */
  readonly leftOut: string[];
  /** See stillness.ts; after all corrections. */
  readonly stillness: number;
}

export interface PrepareOptions {
  /** Grey value without light, where known. */
  readonly offset?: number | undefined;
  /**
   * `bleaching` (the default): it falls a little from repeat to repeat. `exposures`: images of several levels, brought to
   * the brightness of the highest. `fixed`: one image judges the other, and brightness is not touched.
   */
  readonly brightness?: "bleaching" | "exposures" | "fixed";
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Below this the repeats do not show the same field. */
const moving = 0.5;

/**
 * Looks at all repeats once, moves them back by whole pixels, crops to what all show and divides by one brightness
 * factor each. Throws `usageError` where drift, bleaching or motion cannot be undone without touching the noise.
 */
export async function prepareRepeats(
  source: Repeats,
  options: PrepareOptions = {},
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
  return { repeats, drift, field, bleaching, leftOut, stillness: steadiness };
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
