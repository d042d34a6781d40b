import { usageError } from "../../core/errors.ts";
import type { PlaneShape } from "../metrics/local-moments.ts";
import { addTo, meanOf, weightedSum } from "../metrics/noisy-references.ts";
import { phaseCorrelation, type Shift } from "../metrics/phase-correlation.ts";

/** How the field moved while it was repeated, in pixels. */
export interface Drift {
  /** Of each image against the common origin, as measured. */
  readonly measured: readonly Shift[];
  /** Whole pixels by which each image is moved back. */
  readonly undone: readonly Shift[];
  /** Images that are used: what is left of their shift after moving back does not matter. */
  readonly kept: readonly number[];
  /** What may be left of a kept image's shift after moving back, in pixels; infinite where nothing may be left out. */
  readonly allowed: number;
  /** One standard deviation of a measured shift, from the two halves of the field. */
  readonly uncertainty: number;
  /** False where the images show too little to measure a shift by; then none is assumed. */
  readonly measurable: boolean;
}

/** What is left after moving back by whole pixels may be this large: interpolating it away would smooth the reference. */
const allowedRemainder = 0.2;

/** A shift known no better than this is not known. */
const uselessUncertainty = 0.75;

/** Remainders count only beyond this many standard deviations. */
const significance = 2;

/** The share of images that must be left. */
const smallestShare = 0.65;

/** The mean of images that are moved sharpens as they are aligned; it takes a few rounds. */
const mostRounds = 6;

/** Origins tried on each axis, so that as many images as possible stand on whole pixels. */
const originsPerPixel = 5;

/**
 * Measures shifts of projections, `[Y, X]`, against each other. Throws `usageError` (`drift-subpixel`) where fewer
 * than 65 % of the images, or fewer than three, can be brought onto whole pixels.
 */
export function measureDrift(projections: readonly Float32Array[], shape: PlaneShape): Drift {
  const still = projections.map(() => ({ y: 0, x: 0 }));
  const measured = converged(projections, inSequence(projections, shape).map(rounded), shape);
  const uncertainty = uncertaintyOf(projections, measured.map(rounded), shape);
  if (uncertainty > uselessUncertainty) {
    return {
      measured,
      undone: still,
      kept: projections.map((_, index) => index),
      allowed: Number.POSITIVE_INFINITY,
      uncertainty,
      measurable: false,
    };
  }
  // Of a pair nothing can be left out; the shift is reported.
  const allowed =
    projections.length < 3
      ? Number.POSITIVE_INFINITY
      : Math.max(allowedRemainder, significance * uncertainty);
  const best = origins()
    .map((origin) => placed(measured, origin, allowed))
    .reduce((a, b) => (b.kept.length > a.kept.length ? b : a));
  if (best.kept.length < Math.max(3, smallestShare * projections.length) && projections.length >= 3) {
    throw usageError("the field drifted by fractions of a pixel while it was repeated", {
      code: "drift-subpixel",
      found: `${projections.length - best.kept.length} of ${projections.length} repeats off by more than ${allowed.toFixed(2)} pixels after whole pixels are undone`,
      remedy:
        "Let the stage settle, record the repeats faster, or register at the microscope; interpolating here would smooth the reference and flatter the model",
    });
  }
  return { ...best, allowed, uncertainty, measurable: true };
}

/** The part of the field that all kept images show once they are moved back: first row and column, and size. */
export interface CommonField extends PlaneShape {
  readonly top: number;
  readonly left: number;
}

export function commonField({ undone, kept }: Drift, shape: PlaneShape): CommonField {
  const reach = (along: "y" | "x") => {
    const shifts = kept.map((index) => undone[index]?.[along] ?? 0);
    return { before: Math.max(0, -Math.min(...shifts)), after: Math.max(0, ...shifts) };
  };
  const y = reach("y");
  const x = reach("x");
  return {
    top: y.before,
    left: x.before,
    height: shape.height - y.before - y.after,
    width: shape.width - x.before - x.after,
  };
}

/**
 * First guess: each image against the mean of those before it, as far as they are placed. Drift is slow, and the mean
 * gains light with every image.
 */
function inSequence(projections: readonly Float32Array[], shape: PlaneShape): readonly Shift[] {
  const shifts: Shift[] = [];
  const sum = new Float32Array(shape.height * shape.width);
  for (const [index, image] of projections.entries()) {
    const shift = index === 0 ? { y: 0, x: 0 } : phaseCorrelation(sum, image, shape);
    shifts.push(shift);
    addTo(sum, movedBack(image, rounded(shift), shape));
  }
  return shifts;
}

/** Measures, moves back by whole pixels and measures again until nothing moves any more. */
function converged(
  projections: readonly Float32Array[],
  from: readonly Shift[],
  shape: PlaneShape,
): readonly Shift[] {
  let undone = from;
  let measured = from;
  for (let round = 0; round < mostRounds; round += 1) {
    measured = shiftsAgainstOthers(projections, undone, shape);
    const next = measured.map(rounded);
    if (next.every(({ y, x }, index) => y === undone[index]?.y && x === undone[index]?.x)) break;
    undone = next;
  }
  return measured;
}

function origins(): readonly Shift[] {
  // Nearest to zero first, so that of equals the one that moves least is taken.
  const steps = Array.from({ length: originsPerPixel }, (_, step) => {
    const signed = Math.ceil(step / 2) * (step % 2 === 0 ? 1 : -1);
    return signed / originsPerPixel;
  });
  return steps.flatMap((y) => steps.map((x) => ({ y, x })));
}

function placed(measured: readonly Shift[], origin: Shift, allowed: number) {
  const shifts = measured.map(({ y, x }) => ({ y: y - origin.y, x: x - origin.x }));
  const undone = shifts.map(rounded);
  const kept = Array.from(shifts.keys()).filter((index) => {
    const shift = shifts[index] ?? origin;
    const whole = undone[index] ?? origin;
    return Math.hypot(shift.y - whole.y, shift.x - whole.x) <= allowed;
  });
  return { measured: shifts, undone, kept };
}

/**
 * Shifts of all images, each moved back by `undone` before, against the mean of the others: an image's own noise in
 * the mean would hold its shift at zero. Two or three images are measured against the last one.
 */
function shiftsAgainstOthers(
  projections: readonly Float32Array[],
  undone: readonly Shift[],
  shape: PlaneShape,
): readonly Shift[] {
  const aligned = projections.map((image, index) => movedBack(image, undone[index], shape));
  const last = aligned.length - 1;
  return aligned.map((image, index) => {
    const weights = aligned.map((_, other) =>
      last < 3 ? Number(other === last) : Number(other !== index) / last,
    );
    const rest = phaseCorrelation(weightedSum(aligned, weights), image, shape);
    return { y: (undone[index]?.y ?? 0) + rest.y, x: (undone[index]?.x ?? 0) + rest.x };
  });
}

/** Upper and lower half of the field are measured apart; they move together, so what differs is error. */
function uncertaintyOf(
  projections: readonly Float32Array[],
  undone: readonly Shift[],
  shape: PlaneShape,
): number {
  const rows = Math.floor(shape.height / 2);
  const half = { height: rows, width: shape.width };
  const aligned = projections.map((image, index) => movedBack(image, undone[index], shape));
  const mean = meanOf(aligned);
  const parts = [0, rows].map(
    (from) => (image: Float32Array) => image.subarray(from * shape.width, (from + rows) * shape.width),
  );
  let sum = 0;
  for (const image of aligned) {
    const [a, b] = parts.map((part) => phaseCorrelation(part(mean), part(image), half));
    if (a !== undefined && b !== undefined) sum += ((a.y - b.y) ** 2 + (a.x - b.x) ** 2) / 2;
  }
  // The mean of two halves has half the error of their difference.
  return Math.sqrt(sum / projections.length) / 2;
}

function rounded({ y, x }: Shift): Shift {
  return { y: Math.round(y) + 0, x: Math.round(x) + 0 };
}

/** The image with its shift undone; what comes from beyond the border repeats the edge. */
function movedBack(image: Float32Array, shift: Shift | undefined, shape: PlaneShape): Float32Array {
  const { y, x } = shift ?? { y: 0, x: 0 };
  const { height, width } = shape;
  if (y === 0 && x === 0) return image;
  return image.map((_, at) => {
    const row = Math.min(height - 1, Math.max(0, Math.floor(at / width) + y));
    const column = Math.min(width - 1, Math.max(0, (at % width) + x));
    return image[row * width + column] ?? 0;
  });
}
