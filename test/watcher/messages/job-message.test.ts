import assert from "node:assert/strict";
import { test } from "node:test";
import { jobSchema } from "../../../core/job-messages.ts";
import { progressMessage } from "../../../watcher/messages/job-message.ts";
import { runningJob } from "../running-job.ts";

const job = runningJob("a.tif", 100);

test("within a tile what was delivered stays apart from what is estimated, which names what it rests on", () => {
  const body = progressMessage(
    job,
    {
      stage: "denoising",
      doneVoxels: 0,
      totalVoxels: 100,
      estimatedShare: 0.4,
      elapsedS: 4,
      etaS: 6,
      etaBasis: "the warm-up run",
    },
    "cpu",
  );
  const message = { v: 1, ts: new Date().toISOString(), boot: "0123456789abcdef", ...body };
  const { done_voxels, estimated_share, eta_s, eta_basis } = jobSchema.parse(message);
  assert.deepEqual([done_voxels, estimated_share, eta_s, eta_basis], [0, 0.4, 6, "the warm-up run"]);
});
