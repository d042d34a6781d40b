import type { Duration, Length } from "../../core/acquisition.ts";
import { repairedUnit, siPrefixes } from "./ome-units.ts";

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
