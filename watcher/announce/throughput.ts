/** Delivered voxels by the clock, and what they say about the time left. Pure but for its memory. */

export const windowS = 60;

export interface Throughput {
  /** So many voxels more were delivered. */
  readonly deliver: (voxels: number, nowMs: number) => void;
  /** Voxels per second of the last minute. */
  readonly voxelsPerS: (nowMs: number) => number;
  /** A job of `voxels` took `elapsedS` in all, reading, writing and verifying counted. */
  readonly finish: (voxels: number, elapsedS: number) => void;
  /** Until `voxels` more are done, and what that rests on. */
  readonly eta: (voxels: number) => { etaS: number; basis: string } | undefined;
}

const jobsRemembered = 5;

/** `warmUpVoxelsPerS`: the network's speed before any job has run; asked for when it is needed. */
export function createThroughput(warmUpVoxelsPerS: () => number | undefined): Throughput {
  let deliveries: { atMs: number; voxels: number }[] = [];
  let jobs: { voxels: number; elapsedS: number }[] = [];

  return {
    deliver: (voxels, nowMs) => {
      deliveries.push({ atMs: nowMs, voxels });
    },
    voxelsPerS: (nowMs) => {
      deliveries = deliveries.filter(({ atMs }) => nowMs - atMs <= windowS * 1000);
      return deliveries.reduce((sum, { voxels }) => sum + voxels, 0) / windowS;
    },
    finish: (voxels, elapsedS) => {
      jobs = [...jobs, { voxels, elapsedS }].slice(-jobsRemembered);
    },
    eta: (voxels) => {
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
