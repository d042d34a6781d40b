import { endStatuses } from "../../core/job-status.ts";
import type { JobBody } from "../../core/messages.ts";
import type { Events } from "../events/event-map.ts";
import type { Job } from "../ledger/job.ts";
import { progressMessage } from "../messages/job-message.ts";
import type { Publisher } from "../publish/publisher.ts";

export interface PublishJobsOptions {
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
