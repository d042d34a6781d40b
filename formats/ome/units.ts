import type { Duration, Length } from "../../core/acquisition.ts";

/** Units as the enumerations UnitsLength and UnitsTime of the OME schema 2016-06 spell them. */

/** The prefixes of SI, and the powers of ten that they stand for. */
const prefixes = "Y Z E P T G M k h da d c m µ n p f a z y".split(" ");
const powers = [24, 21, 18, 15, 12, 9, 6, 3, 2, 1, -1, -2, -3, -6, -9, -12, -15, -18, -21, -24];
const siPrefixes = prefixes.map((prefix, index) => ({ prefix, power: powers[index] ?? 0 }));

const lengthUnits = new Set([
  "m",
  ...prefixes.map((prefix) => `${prefix}m`),
  ..."Å thou li in ft yd mi ua ly pc pt pixel".split(" "),
  "reference frame",
]);

const timeUnits = new Set(["s", ...prefixes.map((prefix) => `${prefix}s`), "min", "h", "d"]);

/** A value with a unit that the schema knows. */
interface OmeQuantity {
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

/** `unit`, which is ten to the `power`, and all that SI makes of it. */
function withPrefixes(unit: string, power: number): Record<string, number> {
  const all = [{ prefix: "", power: 0 }, ...siPrefixes];
  return Object.fromEntries(all.map((one) => [one.prefix + unit, Number(`1e${power + one.power}`)]));
}

/** µm of the length units that occur in OME-XML (UnitsLength) and in what ImageJ and others write. */
const micrometers: Readonly<Record<string, number>> = {
  ...withPrefixes("m", 6),
  um: 1,
  micron: 1,
  microns: 1,
  micrometer: 1,
  micrometers: 1,
  micrometre: 1,
  micrometres: 1,
  nanometer: 1e-3,
  nanometers: 1e-3,
  Å: 1e-4,
  thou: 25.4,
  li: 25_400 / 12,
  in: 25_400,
  inch: 25_400,
  ft: 304_800,
  yd: 914_400,
  mi: 1_609_344_000,
  pt: 25_400 / 72,
};

/** Seconds of the units of time (UnitsTime). */
const seconds: Readonly<Record<string, number>> = {
  d: 86_400,
  h: 3600,
  hr: 3600,
  min: 60,
  ...withPrefixes("s", 0),
  sec: 1,
  second: 1,
  seconds: 1,
  msec: 1e-3,
  us: 1e-6,
};

/**
 * A length as stated, its unit's spelling repaired (`Âµm`, the Greek µ, ImageJ's literal `\u00B5m`). Undefined
 * where the value is no positive number.
 */
export function statedLength(value: number, unit: string): Length | undefined {
  if (!(value > 0 && Number.isFinite(value))) return undefined;
  const repaired = repairedUnit(unescaped(unit));
  const um = Object.hasOwn(micrometers, repaired) ? micrometers[repaired] : undefined;
  return um === undefined ? { value, unit: repaired } : { value, unit: repaired, um: scaled(value, um) };
}

/** A time as stated. Undefined where the value is no positive number. */
export function statedDuration(value: number, unit: string): Duration | undefined {
  if (!(value > 0 && Number.isFinite(value))) return undefined;
  const repaired = repairedUnit(unescaped(unit));
  const s = Object.hasOwn(seconds, repaired) ? seconds[repaired] : undefined;
  return s === undefined ? { value, unit: repaired } : { value, unit: repaired, s: scaled(value, s) };
}

/** Without the last digits that a product of two decimal numbers invents: 108 · 0.001 is 0.108. */
function scaled(value: number, factor: number): number {
  return Number((value * factor).toPrecision(15));
}

/** ImageJ writes characters beyond ASCII as Java escapes. */
function unescaped(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
