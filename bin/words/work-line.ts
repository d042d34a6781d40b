import type { CommandIo } from "../command/command.ts";
import { describeDuration } from "./progress.ts";
import { createStatusLine, type StatusLine } from "./status-line.ts";

/** Work of several kinds, counted in one unit. */
export interface Work {
  readonly doing: string;
  readonly done: number;
  readonly total: number;
}

export interface WorkLine extends Pick<StatusLine, "end"> {
  readonly show: (work: Work) => void;
}

/** Before this share is done a time left would be a guess. */
const enoughToTell = 0.02;

/** Tells how far a long work is and how long it will take, at its own pace so far. */
export function createWorkLine(
  label: string,
  stderr: CommandIo["stderr"],
  now: () => number = () => performance.now(),
): WorkLine {
  const line = createStatusLine(stderr, now);
  let started: number | undefined;
  let total = 0;
  return {
    show(work) {
      if (started === undefined || work.total !== total) {
        started = now();
        total = work.total;
      }
      const share = work.total > 0 ? work.done / work.total : 0;
      const left = timeLeftS((now() - started) / 1000, share);
      const time = left === undefined ? "" : `, about ${describeDuration(left)} left`;
      line.show(`${label}: ${Math.floor(100 * share)} %, ${work.doing}${time}`);
    },
    end: line.end,
  };
}

/** At the pace so far; undefined before enough is done. */
export function timeLeftS(elapsedS: number, share: number): number | undefined {
  return share < enoughToTell ? undefined : (elapsedS * (1 - share)) / share;
}
