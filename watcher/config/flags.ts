import { dirname } from "node:path";
import type { z } from "zod";
import { usageError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { checkConfig, loadConfig, parseConfig } from "./load.ts";
import { type DaemonConfig, resolveConfig } from "./resolve.ts";
import type { WrittenConfig } from "./schema.ts";

/** What the command line may override. */
export interface WatchFlags {
  readonly in?: string;
  readonly out?: string;
  readonly model?: string;
  readonly calibration?: string;
  readonly provider?: "cpu" | "cuda" | "tensorrt" | "webgpu";
  readonly mqtt?: string;
  readonly mqttPort?: number;
  readonly instance?: string;
  readonly state?: string;
}

/** How each is typed, and the option that it sets. */
const flagTable: Readonly<Record<keyof WatchFlags, { readonly flag: string; readonly option: string }>> = {
  in: { flag: "--in", option: "folders.path" },
  out: { flag: "--out", option: "folders.output" },
  model: { flag: "--model", option: "folders.model" },
  calibration: { flag: "--calibration", option: "folders.calibration" },
  provider: { flag: "--provider", option: "engine.require" },
  mqtt: { flag: "--mqtt", option: "mqtt.url" },
  mqttPort: { flag: "--mqtt-port", option: "mqtt.port" },
  instance: { flag: "--instance", option: "instance" },
  state: { flag: "--state", option: "state" },
};
/** May hold a password: never repeated. */
const secretOption = flagTable.mqtt.option;

/** The flags that are given, as they are typed. */
export function givenFlags(flags: WatchFlags): string[] {
  const keys = Object.keys(flagTable) as (keyof WatchFlags)[];
  return keys.flatMap((key) => (flags[key] === undefined ? [] : [flagTable[key].flag]));
}

/**
 * The configuration from `file` (or the defaults) with flags laid over it. Paths in the file are below its folder,
 * paths in flags and defaults below `cwd`. Throws `EdgeError` (`usage`).
 */
export async function configFor(file: string | undefined, flags: WatchFlags, cwd: string, install: string) {
  const written = file === undefined ? parseConfig("", "the defaults") : await loadConfig(file);
  const fromFile = resolveConfig(written, file === undefined ? cwd : dirname(file), install);
  const merged = mergeFlags({ ...written, ...asWritten(fromFile) }, flags);
  // Again through the schema: a flag may be as wrong as a line of the file, which has passed it already.
  const { config, issues } = checkConfig(merged);
  if (config === undefined) throw flagsRefused(merged, issues);
  return resolveConfig(config, cwd, install);
}

/** Absolute paths, so that flags may be relative to another folder than the file's. */
function asWritten(config: DaemonConfig): WrittenConfig {
  return {
    ...config,
    folders: config.folders.map(({ moveTo, channels, calibration, ...folder }) => ({
      ...folder,
      calibration: calibration.all ?? { ...calibration.byChannel },
      channels: { ...channels },
      after: moveTo === undefined ? "keep" : { move: moveTo },
    })),
  };
}

function mergeFlags(config: WrittenConfig, flags: WatchFlags): WrittenConfig {
  const { in: path, out: output, model, calibration, instance, state } = flags;
  const ofFolder = present({ path, output, model, calibration });
  if (Object.keys(ofFolder).length > 0 && config.folders.length > 1) {
    throw usageError("--in, --out, --model and --calibration need a configuration with a single folder", {
      code: "flags-ambiguous",
      found: `${config.folders.length} folders in the configuration`,
      remedy: "Change the configuration instead",
    });
  }
  return {
    ...config,
    ...present({ instance, state }),
    folders: config.folders.map((folder) => ({ ...folder, ...ofFolder })),
    engine: { ...config.engine, ...present({ require: flags.provider }) },
    mqtt: { ...config.mqtt, ...present({ url: flags.mqtt, port: flags.mqttPort }) },
  };
}

function flagsRefused(merged: WrittenConfig, issues: readonly z.core.$ZodIssue[]) {
  const problems = issues.map(({ path, message }) => {
    const option = path.filter((step) => typeof step !== "number").join(".");
    const flag = Object.values(flagTable).find((one) => one.option === option)?.flag ?? option;
    const found = option === secretOption ? "" : ` (found ${shown(valueAt(merged, path))})`;
    return `${flag} cannot take this value: ${message.charAt(0).toLowerCase()}${message.slice(1)}${found}`;
  });
  return usageError(problems.join("; "), { code: "flag-invalid", remedy: "--help lists every flag" });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, step) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, step) : undefined),
    value,
  );
}

/** JSON has no word for NaN. */
function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
