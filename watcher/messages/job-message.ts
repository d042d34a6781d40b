import { relative, sep } from "node:path";
import type { JobBody } from "../../core/messages.ts";
import { present } from "../../core/record.ts";
import type { NoiseCheck } from "../../runtime/intensity/noise-check.ts";
import type { Progress } from "../../runtime/job/denoise-job.ts";
import type { Job } from "../ledger/job.ts";

/** A job as the outside sees it. `outputFolder` is the root that its result's name is told below. Pure. */
export function jobMessage(job: Job, outputFolder: string | undefined): JobBody {
  const { outcome, error } = job;
  const body: JobBody = {
    id: job.id,
    folder: job.folder,
    source: job.source,
    series: job.series,
    revision: job.revision,
    status: job.status,
    attempt: job.attempt,
    total_voxels: job.voxels,
    ...present({ reason: job.reason, error: error && errorBody(error) }),
  };
  if (outcome === undefined) return body;
  const told = (path: string): string => (outputFolder === undefined ? path : below(outputFolder, path));
  return {
    ...body,
    done_voxels: outcome.voxels,
    total_voxels: outcome.voxels,
    elapsed_s: outcome.elapsedS,
    voxels_per_s: outcome.elapsedS > 0 ? outcome.voxels / outcome.elapsedS : 0,
    provider: outcome.provider,
    output: told(outcome.output),
    output_bytes: outcome.outputBytes,
    source_sha256: outcome.sourceSha256,
    tile: [...outcome.tile],
    overlap: [...outcome.overlap],
    clipped_share: outcome.clippedShare,
    notes: [...outcome.notes],
    ...(job.supersedes !== undefined && {
      supersedes: job.supersedes.map(({ job: id, output }) => ({ job: id, output: told(output) })),
    }),
    ...present({ network_s: outcome.networkS, known_from_result: outcome.knownFromResult }),
    ...present({ noise: outcome.noise && noiseBody(outcome.noise) }),
  };
}

/** A running job and how far it is. */
export function progressMessage(job: Job, progress: Progress, provider: string | undefined): JobBody {
  return {
    ...jobMessage(job, undefined),
    stage: progress.stage,
    done_voxels: progress.doneVoxels,
    total_voxels: progress.totalVoxels,
    elapsed_s: progress.elapsedS,
    ...present({
      voxels_per_s: progress.voxelsPerS,
      estimated_share: progress.estimatedShare,
      eta_s: progress.etaS,
      eta_basis: progress.etaBasis,
      provider,
    }),
  };
}

export function noiseBody(checks: readonly NoiseCheck[]): NonNullable<JobBody["noise"]> {
  return checks.map(({ noiseToSignal, ...check }) => ({
    ...check,
    ...present({ noise_to_signal: noiseToSignal }),
  }));
}

export function errorBody(error: { code: string; message: string; remedy?: string }) {
  const { code, message, remedy } = error;
  return { code, message, ...present({ remedy }) };
}

function below(folder: string, path: string): string {
  return relative(folder, path).split(sep).join("/");
}
