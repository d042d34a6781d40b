import { dirname } from "node:path";
import { usageError } from "../../core/errors.ts";
import { loadConfig, parseConfig } from "./load.ts";
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

/**
 * The configuration from `file` (or the defaults) with flags laid over it. Paths in the file are below its folder,
 * paths in flags and defaults below `cwd`. Throws `EdgeError` (`usage`).
 */
export async function configFor(
  file: string | undefined,
  flags: WatchFlags,
  cwd: string,
  install: string,
): Promise<DaemonConfig> {
  const written = file === undefined ? parseConfig("", "the defaults") : await loadConfig(file);
  const fromFile = resolveConfig(written, file === undefined ? cwd : dirname(file), install);
  const merged = mergeFlags({ ...written, ...asWritten(fromFile) }, flags);
  // Again through the schema: a flag may be as wrong as a line of the file.
  const checked = parseConfig(JSON.stringify(merged), "the command line");
  return resolveConfig(checked, cwd, install);
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
  const { in: path, out: output, model, calibration } = flags;
  const ofFolder = {
    ...(path === undefined ? {} : { path }),
    ...(output === undefined ? {} : { output }),
    ...(model === undefined ? {} : { model }),
    ...(calibration === undefined ? {} : { calibration }),
  };
  if (Object.keys(ofFolder).length > 0 && config.folders.length > 1) {
    throw usageError("--in, --out, --model and --calibration say nothing about which folder", {
      code: "flags-ambiguous",
      found: `${config.folders.length} folders in the configuration`,
      remedy: "Change the configuration instead",
    });
  }
  return {
    ...config,
    ...(flags.instance === undefined ? {} : { instance: flags.instance }),
    ...(flags.state === undefined ? {} : { state: flags.state }),
    folders: config.folders.map((folder) => ({ ...folder, ...ofFolder })),
    engine: { ...config.engine, ...(flags.provider === undefined ? {} : { require: flags.provider }) },
    mqtt: {
      ...config.mqtt,
      ...(flags.mqtt === undefined ? {} : { url: flags.mqtt }),
      ...(flags.mqttPort === undefined ? {} : { port: flags.mqttPort }),
    },
  };
}
