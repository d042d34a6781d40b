import type { Duration, Length } from "../../core/acquisition.ts";

/** Units as the enumerations UnitsLength and UnitsTime of the OME schema 2016-06 spell them. */

/** The prefixes of SI, and the powers of ten that they stand for. */
const prefixes = "Y Z E P T G M k h da d c m µ n p f a z y".split(" ");
const powers = [24, 21, 18, 15, 12, 9, 6, 3, 2, 1, -1, -2, -3, -6, -9, -12, -15, -18, -21, -24];
export const siPrefixes = prefixes.map((prefix, index) => ({ prefix, power: powers[index] ?? 0 }));

const lengthUnits = new Set([
  "m",
  ...prefixes.map((prefix) => `${prefix}m`),
  ..."Å thou li in ft yd mi ua ly pc pt pixel".split(" "),
  "reference frame",
]);

const timeUnits = new Set(["s", ...prefixes.map((prefix) => `${prefix}s`), "min", "h", "d"]);

/** A value with a unit that the schema knows. */
export interface OmeQuantity {
  readonly value: number;
  readonly unit: string;
}

/**
 * A length for PhysicalSizeX, -Y or -Z: in its own unit where the schema has it, else in µm where it is a length.
 * Nothing for sizes that the schema does not allow (PositiveFloat) or that mean nothing to it.
 */
export function omeLength(length: Length | undefined): OmeQuantity | undefined {
  if (length === undefined || !(length.value > 0) || !Number.isFinite(length.value)) return undefined;
  const unit = repairedUnit(length.unit);
  if (lengthUnits.has(unit)) return { value: length.value, unit };
  return length.um === undefined ? undefined : { value: length.um, unit: "µm" };
}

export function omeDuration(duration: Duration | undefined): OmeQuantity | undefined {
  if (duration === undefined || !Number.isFinite(duration.value)) return undefined;
  const unit = repairedUnit(duration.unit);
  if (timeUnits.has(unit)) return { value: duration.value, unit };
  return duration.s === undefined ? undefined : { value: duration.s, unit: "s" };
}

/** One code point for micro (U+00B5, as the schema has it), also out of UTF-8 that was read as Latin-1. */
export function repairedUnit(unit: string): string {
  return unit.trim().replaceAll("Âµ", "µ").replaceAll("Î¼", "µ").replaceAll("μ", "µ");
}
