import { join } from "node:path";
import type { DenoiseJobInput } from "../../runtime/job/denoise-job.ts";
import { modelIdentity } from "../../runtime/job/model-identity.ts";
import type { Folder } from "../folder/folder.ts";
import { noiseReferencesOf } from "../folder/pinned-calibrations.ts";
import type { Job } from "../ledger/job.ts";
import type { Model } from "../models/models.ts";

/** What the engine is asked to do for a job that was just started. */
export function jobOrder(job: Job, folder: Folder, models: readonly Model[]): DenoiseJobInput {
  const { path, model, channels, tile, overlap, depth_axis, non_finite, dtype, compression } = folder.config;
  const noiseReferences = noiseReferencesOf(folder.pinned);
  const verified = Object.fromEntries(
    models.flatMap((one) => ("package" in one ? [[one.dir, modelIdentity(one.package)]] : [])),
  );
  return {
    input: join(path, job.source),
    series: job.series,
    output: job.output ?? "",
    jobId: job.id,
    // An earlier attempt may have ended after its result had its name and before the ledger knew.
    overwrite: job.attempt > 1 ? "own" : false,
    models: { default: model, byChannel: { ...channels }, verified },
    ...(tile === null ? {} : { tile }),
    ...(overlap === null ? {} : { overlap }),
    depthAxis: depth_axis,
    nonFinite: non_finite,
    compression,
    access: folder.access,
    ...(dtype === null ? {} : { sampleType: dtype }),
    ...(noiseReferences === undefined ? {} : { noiseReferences }),
  };
}
