import assert from "node:assert/strict";
import { test } from "node:test";
import { publishJobs } from "../../../watcher/announce/publish-jobs.ts";
import type { DaemonEvents } from "../../../watcher/events/daemon-events.ts";
import { createEvents } from "../../../watcher/events/event-map.ts";
import { jobMessage } from "../../../watcher/messages/job-message.ts";
import { runningJob } from "../running-job.ts";

test("each step of a job is published, its end as one that is kept, and progress at most once a second", () => {
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  const said: string[] = [];
  let nowMs = 0;
  publishJobs(events, {
    publisher: {
      publish: (name) => void said.push(name),
      publishEnd: ({ status }) => void said.push(`end ${status}`),
    },
    bodyOf: (job) => jobMessage(job, undefined),
    provider: () => "cpu",
    now: () => nowMs,
  });
  const job = runningJob("a.tif", 64);
  events.tell("jobChanged", job);
  for (; nowMs < 2000; nowMs += 100) {
    const progress = { stage: "denoising", doneVoxels: 1, totalVoxels: 64, elapsedS: 1 } as const;
    events.tell("jobProgressed", { job, progress });
  }
  events.tell("jobChanged", { ...job, status: "waiting" });
  for (const status of ["done", "failed", "skipped", "parked"] as const) {
    events.tell("jobChanged", { ...job, status });
  }
  assert.deepEqual(said, [
    "job",
    "jobProgress",
    "jobProgress",
    "job",
    "end done",
    "end failed",
    "end skipped",
    "end parked",
  ]);
});
