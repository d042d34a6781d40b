import { InvalidArgumentError } from "commander";
import type { Calibration } from "../../calibration/result/result.ts";
import { usageError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { ProviderName } from "../../runtime/machine/providers.ts";
import type { AnnouncerOptions } from "../words/calibration-announcer.ts";
import { type Box, positiveInteger } from "./option-values.ts";

interface Level {
  readonly averages: number;
  readonly path: string;
}

/** What `calibrate` is asked on its command line. */
export interface CalibrateOptions extends AnnouncerOptions {
  readonly out: string;
  readonly model: string;
  readonly channel?: number;
  readonly key?: string;
  readonly level: readonly Level[];
  readonly low?: string;
  readonly high?: string;
  readonly levels?: readonly number[];
  readonly draws: number;
  readonly target?: string;
  readonly offset?: number;
  readonly gain?: number;
  readonly dataRange?: number;
  readonly scanTime?: number;
  readonly overhead: number;
  readonly fields: number;
  readonly channels: number;
  readonly tile?: Box;
  readonly overlap?: Box;
  readonly provider?: ProviderName;
  readonly seed: number;
  readonly keepWork?: true;
  readonly json?: true;
}

/** Which of the ways to give images was used. Throws `EdgeError` (`usage`) where it was none, or more than one. */
export function kindOf(inputs: readonly string[], options: CalibrateOptions): Calibration["kind"] {
  const pair = options.low !== undefined || options.high !== undefined;
  const ways = [inputs.length > 0, options.level.length > 0, pair].filter(Boolean).length;
  if (ways !== 1 || (pair && (options.low === undefined || options.high === undefined))) {
    throw usageError("say in exactly one way what the repeats are", {
      code: "calibrate-inputs",
      allowed: "a folder, files or a time series; or --level N=PATH twice or more; or --low PATH --high PATH",
      remedy: "Give one of them",
    });
  }
  if (pair) return "pair";
  return options.level.length > 0 ? "levels" : "repeats";
}

/** All paths of images on the command line. */
export function pathsOf(inputs: readonly string[], { level, low, high }: CalibrateOptions): string[] {
  const pair = [low, high].filter((path) => path !== undefined);
  return [...inputs, ...level.map(({ path }) => path), ...pair];
}

/** What the result states of how it was asked for. */
export function settingsOf(options: CalibrateOptions): Calibration["settings"] {
  return present({
    target: options.target,
    draws: options.draws,
    seed: options.seed,
    channel: options.channel,
    key: options.key,
    offset: options.offset,
    gain: options.gain,
    "data range": options.dataRange,
    "scan time (s)": options.scanTime,
    "overhead (s)": options.overhead,
    fields: options.fields,
    channels: options.channels,
    levels: options.levels?.join(", "),
    tile: options.tile?.join(", "),
    overlap: options.overlap?.join(", "),
  });
}

/** Adds one `--level N=PATH` to those before it. */
export function levelOf(text: string, before: readonly Level[]): readonly Level[] {
  const [, averages, path] = /^(\d+)=(.+)$/s.exec(text) ?? [];
  if (averages === undefined || path === undefined || Number(averages) < 1) {
    throw new InvalidArgumentError("must be N=PATH, for example 4=./averages-of-4");
  }
  return [...before, { averages: Number(averages), path }];
}

/** The value of `--levels`. */
export function numberList(text: string): readonly number[] {
  return text.split(",").map(positiveInteger);
}
