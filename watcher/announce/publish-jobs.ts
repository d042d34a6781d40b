import { hasCode, reportOf } from "../../core/errors.ts";
import { endStatuses } from "../../core/job-status.ts";
import type { JobBody } from "../../core/messages.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "../folder/folder.ts";
import type { Job } from "../ledger/job.ts";
import { progressMessage } from "../messages/job-message.ts";
import type { Publisher } from "../publish/publisher.ts";

interface PublishJobsOptions {
  readonly publisher: Pick<Publisher, "publish" | "publishEnd">;
  readonly bodyOf: (job: Job) => JobBody;
  /** That the engine runs on. */
  readonly provider: () => string | undefined;
  readonly now?: () => number;
}

const progressMs = 1_000;

/** Publishes each step in the life of each job, and at most once a second how far the running one is. */
export function publishJobs(
  events: Events,
  { publisher, bodyOf, provider, now = () => performance.now() }: PublishJobsOptions,
): void {
  let progressToldMs = Number.NEGATIVE_INFINITY;

  events.on("jobChanged", (job) => {
    if (endStatuses.has(job.status)) publisher.publishEnd(bodyOf(job));
    else publisher.publish("job", bodyOf(job), { job: job.id });
  });
  events.on("jobProgressed", ({ job, progress }) => {
    if (now() - progressToldMs < progressMs) return;
    progressToldMs = now();
    publisher.publish("jobProgress", progressMessage(job, progress, provider()), { job: job.id });
  });
}

interface PreviewsOptions {
  readonly publisher: Pick<Publisher, "publish" | "clear">;
  readonly folders: readonly Folder[];
  /** Sources of the folder are not moved before the answer is called. */
  readonly holdSources: (folder: Folder) => () => void;
  readonly log: Pick<DaemonLog, "warn">;
  /** The broker keeps each for so long; undefined: until the next one of its folder. */
  readonly keepMs?: number | undefined;
}

const previewMs = 2_000;

/** Shows what jobs that are done look like, before and after: at most one every 2 s. */
export function publishPreviews(events: Events, options: PreviewsOptions): void {
  const { publisher, folders, log } = options;
  let drawnMs = Number.NEGATIVE_INFINITY;
  const clearing = new Map<string, NodeJS.Timeout>();

  function clearLater(folder: string): void {
    if (options.keepMs === undefined) return;
    clearTimeout(clearing.get(folder));
    // What a daemon that stops leaves is cleared by the next one.
    clearing.set(folder, setTimeout(() => publisher.clear("preview", { folder }), options.keepMs).unref());
  }

  async function draw(job: Job, output: string, folder: Folder): Promise<void> {
    const letGo = options.holdSources(folder);
    const { id, source, members, series } = job;
    try {
      const { displayRange, ...picture } = await folder.io.ask("preview", {
        source,
        members,
        series,
        output,
      });
      const body = { folder: job.folder, job: id, source, display_range: displayRange, ...picture };
      publisher.publish("preview", body, { folder: job.folder });
      clearLater(job.folder);
    } catch (error) {
      // A folder that does not answer, or whose process was ended by a stop, is told by itself.
      if (!hasCode(reportOf(error), "folder-unreachable")) log.warn(error, { job: id });
    } finally {
      letGo();
    }
  }

  events.on("jobChanged", (job) => {
    const folder = folders.find(({ config }) => config.name === job.folder);
    if (job.status !== "done" || job.output === undefined || folder === undefined) return undefined;
    if (performance.now() - drawnMs < previewMs) return undefined;
    drawnMs = performance.now();
    return draw(job, job.output, folder);
  });
}
