import type { Events } from "../events/event-map.ts";

export const windowS = 60;
const jobsRemembered = 5;

export type Throughput = ReturnType<typeof createThroughput>;

/**
 * Counts the voxels that jobs deliver, by the clock, and what they say about the time left. `warmUpVoxelsPerS`: the
 * network's speed before any job has run; asked for when it is needed.
 */
export function createThroughput(events: Events, warmUpVoxelsPerS: () => number | undefined) {
  let deliveries: { atMs: number; voxels: number }[] = [];
  let jobs: { voxels: number; elapsedS: number }[] = [];
  let running: { readonly id: string; voxels: number } | undefined;

  function deliver(id: string, voxels: number): void {
    if (running?.id !== id) return;
    deliveries.push({ atMs: performance.now(), voxels: Math.max(0, voxels - running.voxels) });
    running.voxels = voxels;
  }

  events.on("jobProgressed", ({ job, progress }) => deliver(job.id, progress.doneVoxels));
  events.on("jobChanged", ({ id, status, outcome }) => {
    if (status === "running") running = { id, voxels: 0 };
    if (status === "done" && outcome !== undefined && outcome.knownFromResult === undefined) {
      deliver(id, outcome.voxels);
      // Reading, writing and verifying counted.
      const { voxels, elapsedS } = outcome;
      jobs = [...jobs, { voxels, elapsedS }].slice(-jobsRemembered);
    }
    if (status !== "running" && running?.id === id) running = undefined;
  });

  return {
    /** Those of the running job so far; undefined while none runs. */
    runningVoxels: (): number | undefined => running?.voxels,
    /** Of the last minute. */
    voxelsPerS: (): number => {
      const nowMs = performance.now();
      deliveries = deliveries.filter(({ atMs }) => nowMs - atMs <= windowS * 1000);
      return deliveries.reduce((sum, { voxels }) => sum + voxels, 0) / windowS;
    },
    /** Until `voxels` more are done, and what that rests on. */
    eta: (voxels: number): { etaS: number; basis: string } | undefined => {
      const doneVoxels = jobs.reduce((sum, job) => sum + job.voxels, 0);
      const doneS = jobs.reduce((sum, job) => sum + job.elapsedS, 0);
      if (doneVoxels > 0 && doneS > 0) {
        const basis = jobs.length === 1 ? "the last job" : `the last ${jobs.length} jobs`;
        return { etaS: (voxels * doneS) / doneVoxels, basis };
      }
      const rate = warmUpVoxelsPerS();
      if (rate === undefined || rate <= 0) return undefined;
      return { etaS: voxels / rate, basis: "the warm-up run" };
    },
  };
}
