import { type ErrorReport, errorFromReport, machineError, reportOf } from "../../core/errors.ts";
import { otherTaskError } from "../../export/package/stated-task.ts";
import { chooseTiles } from "../../runtime/plan/choose-tile.ts";
import { type FolderConfig, modelsOf } from "../config/resolve.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Events } from "../events/event-map.ts";
import { type Model, packagesOf } from "../models/models.ts";
import type { Folder } from "./folder.ts";
import { inWordsOfFolder } from "./folder-state.ts";
import { otherModelWarning } from "./pinned-calibrations.ts";

/** Tells each folder what each check of its models means for it. */
export function followModels(events: Events, folders: readonly Folder[], log: DaemonLog) {
  events.on("modelsChecked", (models) => {
    for (const folder of folders) {
      const error =
        firstError(folder.config, models) ??
        otherTaskIn(folder.config, models) ??
        tilesRefusedIn(folder.config, models);
      holdFor(error, folder, log);
      compareWithPinned(folder, models, log);
    }
  });
}

function firstError(folder: FolderConfig, models: readonly Model[]): ErrorReport | undefined {
  const found = modelsOf(folder).flatMap((dir) => models.find((model) => model.dir === dir) ?? []);
  const [error] = found.flatMap((model) => ("error" in model ? model.error : []));
  return error;
}

const otherTaskRemedy =
  "Give the folder a model that denoises, or set its run_anyway: true (results are then named .output.ome.tif)";

/** One model may be run by a folder that asks for it, and not by another. */
function otherTaskIn(folder: FolderConfig, models: readonly Model[]): ErrorReport | undefined {
  if (folder.run_anyway) return undefined;
  const [error] = packagesOf(folder, models).flatMap((model) => otherTaskError(model, otherTaskRemedy) ?? []);
  return error && reportOf(error);
}

/** Tiles that a model of the folder takes from no stack, however large: each file would fail by them. */
function tilesRefusedIn(folder: FolderConfig, models: readonly Model[]): ErrorReport | undefined {
  const { name, tile, overlap } = folder;
  if (tile === null && overlap === null) return undefined;
  for (const { settings, zoo } of packagesOf(folder, models)) {
    const [depth, height, width] = tile ?? settings.tile;
    try {
      chooseTiles({
        stack: [2 * depth, 2 * height, 2 * width],
        settings,
        zoo,
        tile: tile ?? undefined,
        overlap: overlap ?? undefined,
        bytesPerSample: Float32Array.BYTES_PER_ELEMENT,
      });
    } catch (error) {
      return inWordsOfFolder(reportOf(error), name);
    }
  }
  return undefined;
}

/** A folder with a model that is not to run is held; it goes on when all of its models are. */
function holdFor(error: ErrorReport | undefined, folder: Folder, log: DaemonLog): void {
  if (error?.message === folder.facts().modelError?.message) return;
  folder.learn({ modelError: error });
  if (error !== undefined) log.warn(errorFromReport(error), { folder: folder.config.name });
  else log.info(`${folder.config.name}: its model is in order again`);
}

/** A calibration's answer holds for its own model only. */
function compareWithPinned(folder: Folder, models: readonly Model[], log: DaemonLog): void {
  const otherModel = otherModelWarning(folder.config, folder.pinned, models);
  if (otherModel === folder.facts().otherModel) return;
  folder.learn({ otherModel });
  if (otherModel === undefined) return;
  log.warn(machineError(otherModel, { code: "calibration-other-model" }), { folder: folder.config.name });
}

/** Tells a folder how noisy its newest acquisition was against the calibrations that are pinned to it, and warns. */
export function compareNoise(events: Events, folders: readonly Folder[], log: Pick<DaemonLog, "warn">) {
  events.on("jobChanged", (job) => {
    const noise = job.status === "done" ? job.outcome?.noise : undefined;
    if (noise === undefined) return;
    const folder = folders.find(({ config }) => config.name === job.folder);
    folder?.learn({ compared: { job: job.id, source: job.source, noise } });
    for (const { warning, noisier } of noise) {
      if (warning === undefined) continue;
      const code = noisier ? "noisier-than-calibrated" : "no-signal";
      log.warn(machineError(`${job.source}: ${warning}`, { code }), { job: job.id, folder: job.folder });
    }
  });
}
