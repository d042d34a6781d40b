import { present } from "../../core/record.ts";
import type { Progress, Stage } from "../job/denoise-job.ts";
import { createProgressEstimate, type KnownSpeed } from "./progress-estimate.ts";

/** Turns what was done into progress reports: at each new stage, and at most every `intervalMs` within one. */
export interface ProgressMeter {
  readonly enter: (stage: Exclude<Stage, "denoising">) => void;
  /** Denoising begins, in tiles that deliver so many voxels each. */
  readonly enterTiles: (tileVoxels: number) => void;
  /** So many voxels will be delivered by tiles, and what is known beforehand of how fast. */
  readonly expect: (voxels: number, known: KnownSpeed | undefined) => void;
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
  readonly report: (progress: Progress) => void;
}): ProgressMeter {
  const { totalVoxels, now, report } = options;
  const begin = now();
  const estimate = createProgressEstimate();
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
    const { share, etaS, basis } = estimate.at(done, totalVoxels, at);
    report({
      stage,
      doneVoxels,
      totalVoxels,
      estimatedShare: share,
      elapsedS: (at - begin) / 1000,
      ...(doneVoxels > 0 && worked > 0 ? { voxelsPerS: (1000 * doneVoxels) / worked } : {}),
      ...present({ etaS, etaBasis: basis }),
    });
  };

  const begins = (next: Stage): void => {
    if (workingSince !== undefined) workedMs += now() - workingSince;
    workingSince = next === "opening" || next === "statistics" ? undefined : now();
    stage = next;
    tell();
  };

  return {
    enter(next) {
      if (next === "writing") estimate.pause();
      begins(next);
    },
    enterTiles(tileVoxels) {
      estimate.start(tileVoxels, now());
      begins("denoising");
    },
    expect: estimate.expect,
    advance(voxels) {
      done += voxels;
      if (stage === "denoising") estimate.delivered(voxels, now());
      if (now() - reported >= intervalMs) tell();
    },
    tick() {
      if (now() - reported >= intervalMs) tell();
    },
  };
}
