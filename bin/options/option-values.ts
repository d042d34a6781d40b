import { fileURLToPath } from "node:url";
import { InvalidArgumentError, Option } from "commander";
import { templateProblem } from "../../formats/numbered/file-pattern.ts";
import { providerNames } from "../../runtime/machine/providers.ts";

/**
 * Options that several commands take, and how the text of an option becomes a value; what is wrong with it is said in
 * commander's own line (exit code 2).
 */

/** Depth, height, width. */
export type Box = [depth: number, height: number, width: number];

export function finite(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("must be a number");
  return value;
}

export function positive(text: string): number {
  const value = finite(text);
  if (value <= 0) throw new InvalidArgumentError("must be above 0");
  return value;
}

export function notNegative(text: string): number {
  const value = finite(text);
  if (value < 0) throw new InvalidArgumentError("must not be below 0");
  return value;
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text.trim())) throw new InvalidArgumentError("must be a whole number");
  return Number(text);
}

export function positiveInteger(text: string): number {
  const value = wholeNumber(text);
  if (value < 1) throw new InvalidArgumentError("must be at least 1");
  return value;
}

/** Three whole numbers of at least `smallest`. */
export function boxOf(smallest: number): (text: string) => Box {
  return (text) => {
    const [depth, height, width, ...more] = text.split(",").map(wholeNumber);
    if (depth === undefined || height === undefined || width === undefined || more.length > 0) {
      throw new InvalidArgumentError("must be three numbers: depth,height,width");
    }
    if (Math.min(depth, height, width) < smallest)
      throw new InvalidArgumentError(`must be at least ${smallest} each`);
    return [depth, height, width];
  };
}

/** `--pattern` of commands that open files. */
export function patternOption(): Option {
  return new Option(
    "--pattern <names>",
    "how the files of one acquisition are named, as {name}_T{t}_C{c}.tif; {t}, {c}, {z} are numbers, {s} a position, {i} a number that says nothing",
  ).argParser((text: string): string => {
    const problem = templateProblem(text);
    if (problem !== undefined) throw new InvalidArgumentError(problem);
    return text;
  });
}

/** What `--pattern` says, for whoever opens a file. */
export function patternGiven({ pattern }: { readonly pattern?: string }) {
  return pattern === undefined ? {} : { pattern: { template: pattern } };
}

const ageUnitsMs: Readonly<Record<string, number>> = { min: 60_000, h: 3_600_000, d: 24 * 3_600_000 };

/** A time in milliseconds since 1970, from a date (with a time, in this machine's zone) or an age. */
export function timeBefore(text: string): number {
  const [, count, unit] = /^(\d{1,6})(min|h|d)$/.exec(text.trim()) ?? [];
  if (count !== undefined && unit !== undefined) return Date.now() - Number(count) * (ageUnitsMs[unit] ?? 0);
  const [, day, clock = "T00:00", zone = ""] =
    /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text.trim()) ?? [];
  // Days that a month does not have would be days of the next one.
  const isDay = day !== undefined && new Date(`${day}T00:00Z`).toISOString().startsWith(day);
  const time = isDay ? Date.parse(`${day}${clock}${zone}`) : Number.NaN;
  if (!Number.isFinite(time))
    throw new InvalidArgumentError("must be a date (2026-11-26T14:30) or an age (12h, 7d)");
  return time;
}

/** The package that came with cnnt-edge: a fresh clone denoises at once. */
export const shippedModel = fileURLToPath(new URL("../../models/default", import.meta.url));

/** `--model`, the shipped one where it is not given. */
export function modelOption(description: string): Option {
  return new Option("--model <package>", description).default(
    shippedModel,
    "the shipped one, models/default",
  );
}

/** `--provider`: only that one. `otherwise`: what is used where it is not given. */
export function providerOption(otherwise = "cuda, otherwise cpu"): Option {
  const description = `use only this provider; fail if it is unavailable (default: ${otherwise})`;
  return oneOf("--provider <name>", description, providerNames);
}

/** An option that takes one of `choices`. */
export function oneOf(flags: string, description: string, choices: readonly string[], otherwise?: string) {
  return new Option(flags, description).choices(choices).default(otherwise);
}

/** `--compression`, as far as files can be written with it. */
export function compressionOption(description: string): Option {
  return oneOf("--compression <name>", description, ["none", "deflate", "zstd"], "none");
}
