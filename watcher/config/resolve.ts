import { existsSync } from "node:fs";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { usageError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { FilePattern } from "../../formats/numbered/file-pattern.ts";
import type { SettleConfig, WrittenConfig, WrittenFolder } from "./schema.ts";

/** What the daemon runs on: the written configuration with absolute paths. */
export interface FolderConfig extends Omit<WrittenFolder, "after" | "channels" | "calibration"> {
  readonly channels: Readonly<Record<string, string>>;
  /** Paths of calibrations: `all` for every channel that it fits, the others by the channel's name or index. */
  readonly calibration: { readonly all?: string; readonly byChannel: Readonly<Record<string, string>> };
  /** Where sources go after a verified result; undefined: they stay. */
  readonly moveTo: string | undefined;
}

/** How the acquisitions of a folder are named whose files are known by their names; undefined where none are. */
export function patternOf({
  pattern,
  pattern_sizes: sizes,
}: Pick<FolderConfig, "pattern" | "pattern_sizes">): FilePattern | undefined {
  return pattern === null ? undefined : { template: pattern, sizes: present(sizes) };
}

/** What a running daemon takes from its changed configuration. */
export type ModelChoice = Pick<FolderConfig, "name" | "model" | "channels" | "run_anyway">;

export interface DaemonConfig extends Omit<WrittenConfig, "folders"> {
  readonly folders: readonly FolderConfig[];
  readonly settle: SettleConfig;
}

export const passModel = "pass";

/**
 * Makes paths absolute: against `base` (the folder of the configuration file, or the current one), model folders
 * against `base` and then `install` (where cnnt-edge itself lies, so that `models/default` works everywhere).
 * Throws `EdgeError` (`usage`) where folders stand in each other's way.
 */
export function resolveConfig(written: WrittenConfig, base: string, install: string): DaemonConfig {
  const model = (name: string): string => {
    if (name === passModel || isAbsolute(name)) return name;
    const here = resolve(base, name);
    const shipped = join(install, name);
    return !existsSync(here) && existsSync(shipped) ? shipped : here;
  };
  const folders = written.folders.map((folder): FolderConfig => {
    const { after, calibration, ...rest } = folder;
    return {
      ...rest,
      path: resolve(base, folder.path),
      output: resolve(base, folder.output),
      model: model(folder.model),
      channels: Object.fromEntries(
        Object.entries(folder.channels).map(([channel, name]) => [channel, model(name)]),
      ),
      calibration:
        typeof calibration === "string"
          ? { all: resolve(base, calibration), byChannel: {} }
          : {
              byChannel: Object.fromEntries(
                Object.entries(calibration ?? {}).map(([channel, file]) => [channel, resolve(base, file)]),
              ),
            },
      moveTo: after === "keep" ? undefined : resolve(base, after.move),
    };
  });
  refuseClashes(folders);
  const file = (path: string | null): string | null => (path === null ? null : resolve(base, path));
  return {
    ...written,
    folders,
    state: resolve(base, written.state),
    mqtt: { ...written.mqtt, password_file: file(written.mqtt.password_file), ca: file(written.mqtt.ca) },
  };
}

export type FolderPaths = Pick<FolderConfig, "name" | "path" | "output" | "moveTo">;

/**
 * Two folders over the same files would do everything twice; an output that is a watch folder would never end; sources
 * among results could no longer be told from them.
 */
export function refuseClashes(folders: readonly FolderPaths[]): void {
  for (const [index, folder] of folders.entries()) {
    const { name, path, output, moveTo } = folder;
    if (path === output) throw clash(`folder "${name}" writes its results into its own watch folder`, path);
    if (moveTo === path) throw clash(`folder "${name}" moves its sources into its own watch folder`, path);
    for (const other of folders.slice(index + 1)) {
      if (isInside(path, other.path) || isInside(other.path, path)) {
        throw clash(`folders "${name}" and "${other.name}" watch the same files`, other.path);
      }
    }
    for (const other of folders) {
      if (moveTo === other.output) {
        throw clash(`folder "${name}" moves its sources among the results of "${other.name}"`, other.output);
      }
      if (other === folder) continue;
      if (isInside(output, other.path)) {
        throw clash(`results of folder "${name}" are input of folder "${other.name}"`, output);
      }
      if (moveTo !== undefined && isInside(moveTo, other.path)) {
        throw clash(`sources that folder "${name}" moves away are input of folder "${other.name}"`, moveTo);
      }
    }
  }
}

function clash(what: string, file: string) {
  return usageError(what, {
    code: "folders-clash",
    file,
    remedy:
      "Give each folder its own path. Its output and its folder for moved sources must lie outside the paths of the other folders. A symbolic link counts as the folder that it leads to",
  });
}

/** Whether `path` is `folder` or below it. Both absolute. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** The model folders that a watch folder needs, each once. */
export function modelsOf(folder: Pick<ModelChoice, "model" | "channels">): string[] {
  const all = new Set([folder.model, ...Object.values(folder.channels)]);
  all.delete(passModel);
  return [...all];
}
