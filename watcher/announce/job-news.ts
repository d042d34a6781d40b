import { machineError } from "../../core/errors.ts";
import type { DenoiseOutcome, Progress } from "../../runtime/job/denoise-job.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Folder } from "../folder/folder.ts";
import type { Job } from "../ledger/job.ts";
import { progressMessage } from "../messages/job-message.ts";
import type { Publisher } from "../publish/publisher.ts";

/** What readers hear of a job beside the steps of its life: how far it is, what it looks like, how noisy it was. */
export interface JobNews {
  /** At most once a second. */
  readonly progress: (job: Job, progress: Progress, provider: string | undefined) => void;
  /** Before and after, at most every 2 s; the source may be moved once the promise is kept. Never rejects. */
  readonly preview: (job: Job, folder: Folder) => Promise<void>;
  readonly noise: (job: Job, noise: NonNullable<DenoiseOutcome["noise"]>, folder: Folder) => void;
}

export interface JobNewsOptions {
  readonly publisher: Publisher;
  /** Pictures are data: they go to a foreign broker only where that is asked for. */
  readonly withPreview: boolean;
  readonly log: DaemonLog;
}

const progressMs = 1_000;
const previewMs = 2_000;

export function createJobNews({ publisher, withPreview, log }: JobNewsOptions): JobNews {
  let progressToldMs = Number.NEGATIVE_INFINITY;
  let previewToldMs = Number.NEGATIVE_INFINITY;

  return {
    progress: (job, progress, provider) => {
      if (performance.now() - progressToldMs < progressMs) return;
      progressToldMs = performance.now();
      publisher.publish("jobProgress", progressMessage(job, progress, provider), { job: job.id });
    },
    preview: async (job, folder) => {
      const isDue = performance.now() - previewToldMs >= previewMs;
      if (!withPreview || job.output === undefined || !isDue) return;
      previewToldMs = performance.now();
      const { source, series, output } = job;
      try {
        const { displayRange, ...picture } = await folder.io.ask("preview", { source, series, output });
        const body = { folder: job.folder, job: job.id, source, display_range: displayRange, ...picture };
        publisher.publish("preview", body, { folder: job.folder });
      } catch (error) {
        log.warn(error, { job: job.id });
      }
    },
    noise: (job, noise, folder) => {
      folder.learn({ compared: { job: job.id, source: job.source, noise } });
      for (const { warning, noisier } of noise) {
        if (warning === undefined) continue;
        const code = noisier ? "noisier-than-calibrated" : "no-signal";
        log.warn(machineError(`${job.source}: ${warning}`, { code }), { job: job.id, folder: job.folder });
      }
    },
  };
}
