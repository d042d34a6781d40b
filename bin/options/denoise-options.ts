import { totalmem } from "node:os";
import { InvalidArgumentError } from "commander";
import { describeError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { DenoiseJobInput } from "../../runtime/job/denoise-job.ts";
import { memoryLimitBytes } from "../../runtime/machine/memory-limit.ts";
import type { ProviderName } from "../../runtime/machine/providers.ts";
import { type Box, patternGiven } from "./option-values.ts";

/** What `denoise` is asked on its command line. */
export interface DenoiseOptions {
  readonly out: string;
  readonly model: string;
  readonly channel: Readonly<Record<string, string>>;
  readonly tile?: Box;
  readonly overlap?: Box;
  readonly tiling: "fitted" | "published";
  readonly normalization?: "package" | "none";
  readonly dtype?: "uint16" | "float32";
  readonly depthAxis: "z" | "t" | "auto";
  readonly nonFinite: "carry" | "refuse";
  /** The only image that is meant of each file. */
  readonly series?: number;
  /** How the files of acquisitions of many files are named. */
  readonly pattern?: string;
  readonly compression: "none" | "deflate" | "zstd";
  readonly provider?: ProviderName;
  readonly threads?: number;
  readonly memoryLimit?: number;
  /** Whether a model runs whose description says that it does something other than denoise. */
  readonly runAnyway?: true;
  readonly overwrite?: true;
  readonly skipExisting?: true;
  readonly explain?: true;
  /** A result that is made again. */
  readonly like?: string;
  readonly json?: true;
}

/** One acquisition to denoise; paths as the person wrote them. */
export interface Task {
  readonly input: string;
  /** Which image of it, from 0. */
  readonly series: number;
  readonly output: string;
}

/** Paths stay as the person wrote them: the engine works in the same folder, and its messages name them so. */
export function jobOf({ input, series, output }: Task, options: DenoiseOptions): DenoiseJobInput {
  const { tile, overlap, normalization, dtype: sampleType } = options;
  return {
    input,
    output,
    series,
    models: { default: options.model, byChannel: options.channel },
    ...present({ tile, overlap, normalization, sampleType }),
    ...patternGiven(options),
    tiling: options.tiling,
    depthAxis: options.depthAxis,
    nonFinite: options.nonFinite,
    compression: options.compression,
    overwrite: options.overwrite ?? false,
  };
}

/** The value of `--memory-limit`, in bytes. */
export function memoryAmount(text: string): number {
  try {
    return memoryLimitBytes(text, totalmem());
  } catch (error) {
    throw new InvalidArgumentError(describeError(error));
  }
}

/** Adds one `--channel NAME=PACKAGE` to those before it. */
export function channelModel(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  // Names of channels may hold "=", folders hardly.
  const at = text.lastIndexOf("=");
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError("not NAME=PACKAGE or NAME=pass");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
