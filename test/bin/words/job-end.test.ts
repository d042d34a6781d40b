import assert from "node:assert/strict";
import { test } from "node:test";
import { describeEnd } from "../../../bin/words/job-end.ts";
import { outcomeOf } from "../../watcher/outcome-of.ts";
import { runningJob } from "../../watcher/running-job.ts";

test("a job that is known from its result is told as that, with the time at which the result was finished", () => {
  const { networkS: _unknown, ...outcome } = outcomeOf("/o/a.denoised.ome.tif");
  const job = { ...runningJob("a.tif", 64), status: "done" } as const;
  assert.equal(
    describeEnd({ ...job, outcome: { ...outcome, knownFromResult: "2026-11-20T10:00:02.000Z" } }),
    "a.tif → /o/a.denoised.ome.tif, known from its result, which was finished at 2026-11-20 10:00Z",
  );
});
