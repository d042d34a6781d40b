import type { Progress, Stage } from "./denoise-job.ts";

/** Turns what was done into progress reports: at each new stage, and at most every `intervalMs` within one. */
export interface ProgressMeter {
  readonly enter: (stage: Stage) => void;
  /** Voxels delivered since the last call. */
  readonly advance: (voxels: number) => void;
  /** Time has passed: a large tile takes minutes, and whoever waits wants to see that it goes on. */
  readonly tick: () => void;
}

const intervalMs = 250;

export function createProgressMeter(options: {
  readonly totalVoxels: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** What the network is known to take in a second; until something is delivered, the time left is told from it. */
  readonly expectedVoxelsPerS?: number | undefined;
  readonly report: (progress: Progress) => void;
}): ProgressMeter {
  const { totalVoxels, now, report, expectedVoxelsPerS } = options;
  const begin = now();
  let stage: Stage = "opening";
  let done = 0;
  /** Time spent on what the rate is measured on: all but opening and statistics. */
  let workedMs = 0;
  let workingSince: number | undefined;
  let reported = Number.NEGATIVE_INFINITY;

  const tell = (): void => {
    const at = now();
    reported = at;
    const worked = workedMs + (workingSince === undefined ? 0 : at - workingSince);
    const doneVoxels = Math.min(Math.round(done), totalVoxels);
    const voxelsPerS = doneVoxels > 0 && worked > 0 ? (1000 * doneVoxels) / worked : undefined;
    report({
      stage,
      doneVoxels,
      totalVoxels,
      elapsedS: (at - begin) / 1000,
      ...(voxelsPerS === undefined
        ? expectedEta(worked / 1000)
        : { voxelsPerS, etaS: Math.max(0, totalVoxels - doneVoxels) / voxelsPerS }),
    });
  };

  const expectedEta = (workedS: number): { etaS?: number } => {
    if (expectedVoxelsPerS === undefined || !(expectedVoxelsPerS > 0)) return {};
    const left = totalVoxels / expectedVoxelsPerS - workedS;
    // It takes longer than expected: nobody knows how much.
    return left > 0 ? { etaS: left } : {};
  };

  return {
    enter(next) {
      if (workingSince !== undefined) workedMs += now() - workingSince;
      workingSince = next === "opening" || next === "statistics" ? undefined : now();
      stage = next;
      tell();
    },
    advance(voxels) {
      done += voxels;
      if (now() - reported >= intervalMs) tell();
    },
    tick() {
      if (now() - reported >= intervalMs) tell();
    },
  };
}
