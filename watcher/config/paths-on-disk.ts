import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isAbsent, usageError } from "../../core/errors.ts";
import { nearestName } from "../../core/nearest-name.ts";
import { within } from "../../core/within.ts";
import type { WatchFlags } from "./flags.ts";
import { type DaemonConfig, type FolderPaths, modelsOf, refuseClashes } from "./resolve.ts";

/** A share that hangs is the business of its folder's process: the start does not wait for it longer than this. */
const longestMs = 5_000;

/**
 * What only the disk tells of a configuration. Throws `EdgeError` (`usage`) for what can only be a mistake of whoever
 * wrote it; what may come by itself, as a share that is not mounted yet, is no mistake and is waited for. One look
 * after the other: a disk that hangs holds one thread of the process, not all of them.
 */
export async function checkPathsOnDisk(config: DaemonConfig, flags: WatchFlags): Promise<void> {
  await within(longestMs, look(config, flags));
}

async function look(config: DaemonConfig, flags: WatchFlags): Promise<void> {
  const { folders, mqtt } = config;
  const real: FolderPaths[] = [];
  for (const { name, path, output, moveTo } of folders) {
    for (const folder of [path, output, moveTo]) if (folder !== undefined) await refuseFile(folder);
    real.push({
      name,
      path: await realPath(path),
      output: await realPath(output),
      moveTo: moveTo === undefined ? undefined : await realPath(moveTo),
    });
  }
  refuseClashes(real);
  for (const { path, output } of folders) {
    // Somebody has just typed these, and waits for an answer.
    if (flags.in !== undefined) await refuseMissing("--in", path, path);
    if (flags.out !== undefined) await refuseMissing("--out", output, dirname(output));
  }
  for (const model of new Set(folders.flatMap(modelsOf)))
    await refuseMistyped(model, flags.model !== undefined);
  const files = mqtt.url === null ? [] : [mqtt.password_file, mqtt.ca];
  for (const file of files) if (file !== null) await refuseMissingFile(file);
}

/** With all links followed; where the end of it is missing, as far as there is one. */
async function realPath(path: string): Promise<string> {
  const found = await realpath(path).catch(() => undefined);
  if (found !== undefined || dirname(path) === path) return found ?? path;
  return join(await realPath(dirname(path)), basename(path));
}

async function refuseFile(folder: string): Promise<void> {
  const facts = await stat(folder).catch(() => undefined);
  if (facts === undefined || facts.isDirectory()) return;
  throw usageError("this is a file, but a folder is needed", {
    code: "folder-is-file",
    file: folder,
    remedy: `Name the folder that holds it: ${dirname(folder)}`,
  });
}

async function refuseMissing(flag: string, named: string, needed: string): Promise<void> {
  if (!(await isMissing(needed))) return;
  throw usageError(`the folder of ${flag} does not exist`, {
    code: "flag-folder-missing",
    file: needed,
    remedy: `${await meant(named)}Make it, or mount its disk or share, and start again; \`watch\` does not make it`,
  });
}

/**
 * A model that is missing is waited for, as its disk may come later. Where its neighbours are there and one of them has
 * nearly that name, or where somebody has just typed it, it is a mistake.
 */
async function refuseMistyped(model: string, isTyped: boolean): Promise<void> {
  if (!(await isMissing(model))) return;
  const near = await meant(model);
  if (near === "" && !isTyped) return;
  throw usageError("there is no such model folder", {
    code: "model-missing",
    file: model,
    remedy: `${near}Name a folder made by \`cnnt-edge export\`, for example models/default`,
  });
}

async function refuseMissingFile(file: string): Promise<void> {
  if (!(await isMissing(file))) return;
  throw usageError("the configuration names a file for the MQTT broker that does not exist", {
    code: "config-file-missing",
    file,
    remedy: `${await meant(file)}Check mqtt.password_file and mqtt.ca`,
  });
}

async function isMissing(path: string): Promise<boolean> {
  return stat(path).then(() => false, isAbsent);
}

/** The neighbour that may have been meant, as a question; empty where none has nearly that name. */
async function meant(path: string): Promise<string> {
  const neighbours = await readdir(dirname(path)).catch((): string[] => []);
  const near = nearestName(basename(path), neighbours);
  return near === undefined ? "" : `Did you mean ${join(dirname(path), near)}? `;
}
