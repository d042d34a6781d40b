import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createThroughput, windowS } from "../../../watcher/announce/throughput.ts";
import type { DaemonEvents } from "../../../watcher/events/daemon-events.ts";
import { createEvents } from "../../../watcher/events/event-map.ts";
import type { Job } from "../../../watcher/ledger/job.ts";

function counted() {
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  const { runningVoxels: running, voxelsPerS, eta } = createThroughput(events, () => undefined);
  const change = (id: string, status: Job["status"], voxels?: number): void => {
    const outcome = voxels === undefined ? {} : { outcome: { voxels, elapsedS: 1 } };
    events.tell("jobChanged", { id, status, ...outcome } as Job);
  };
  const progress = (id: string, doneVoxels: number): void =>
    events.tell("jobProgressed", {
      job: { id } as Job,
      progress: { stage: "denoising", doneVoxels, totalVoxels: 100, elapsedS: 1 },
    });
  return { change, progress, running, delivered: () => voxelsPerS() * windowS, eta };
}

test("whatever progress a job told, its end counts each of its voxels once", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100 })), (told) => {
      const { change, progress, running, delivered, eta } = counted();
      change("a", "running");
      for (const voxels of told.sort((one, other) => one - other)) {
        progress("a", voxels);
        assert.equal(running(), voxels);
      }
      change("a", "done", 100);
      assert.deepEqual([Math.round(delivered()), running()], [100, undefined]);
      assert.deepEqual(eta(200), { etaS: 2, basis: "the last job" });
    }),
  );
});

test("a job that is put back runs no more, and what other jobs tell changes nothing of the running one", () => {
  const { change, progress, running } = counted();
  assert.equal(running(), undefined);
  change("a", "running");
  progress("a", 7);
  change("b", "queued");
  progress("b", 50);
  assert.equal(running(), 7);
  change("a", "queued");
  assert.equal(running(), undefined);
});
