import { type ErrorReport, errorFromReport, machineError } from "../core/errors.ts";
import type { DaemonLog } from "./daemon-log.ts";
import type { Folder } from "./folder.ts";
import { type Model, modelsOf } from "./models.ts";
import { otherModelWarning } from "./pinned-calibrations.ts";

/** Tells each folder what the last check of its models means for it. */
export function heedModels(folders: readonly Folder[], models: readonly Model[], log: DaemonLog): void {
  const errors = new Map(models.flatMap((model) => ("error" in model ? [[model.dir, model.error]] : [])));
  for (const folder of folders) {
    holdWithoutModel(folder, errors, log);
    compareWithPinned(folder, models, log);
  }
}

/** A folder with a model that is not in order is held; it goes on when all of its models are. */
function holdWithoutModel(folder: Folder, errors: ReadonlyMap<string, ErrorReport>, log: DaemonLog): void {
  const [error] = modelsOf(folder.config).flatMap((dir) => errors.get(dir) ?? []);
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
