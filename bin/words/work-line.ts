import type { CommandIo } from "../command/command.ts";
import { describeDuration } from "./progress.ts";

/** Work of several kinds, counted in one unit. */
export interface Work {
  readonly doing: string;
  readonly done: number;
  readonly total: number;
}

export interface WorkLine {
  readonly show: (work: Work) => void;
  /** Clears the line, so that the next one stands alone. */
  readonly end: () => void;
}

const plainEveryMs = 5000;
const terminalEveryMs = 100;

/** Before this share is done a time left would be a guess. */
const enoughToTell = 0.02;

/** Tells how far a long work is and how long it will take, at its own pace so far: a line redrawn, or plain lines. */
export function createWorkLine(
  label: string,
  stderr: CommandIo["stderr"],
  now: () => number = () => performance.now(),
): WorkLine {
  const terminal = stderr.isTTY === true;
  let started: number | undefined;
  let total = 0;
  let last = Number.NEGATIVE_INFINITY;
  let drawn = false;
  return {
    show(work) {
      const at = now();
      if (started === undefined || work.total !== total) {
        started = at;
        total = work.total;
      }
      if (at - last < (terminal ? terminalEveryMs : plainEveryMs)) return;
      last = at;
      const text = `${label}: ${describeWork(work, (at - started) / 1000)}`;
      stderr.write(terminal ? `\r\u001b[K${text.slice(0, (stderr.columns ?? 80) - 1)}` : `${text}\n`);
      drawn = terminal;
    },
    end() {
      if (drawn) stderr.write("\r\u001b[K");
      drawn = false;
    },
  };
}

function describeWork({ doing, done, total }: Work, elapsedS: number): string {
  const share = total > 0 ? done / total : 0;
  const left =
    share < enoughToTell ? "" : `, about ${describeDuration((elapsedS * (1 - share)) / share)} left`;
  return `${Math.floor(100 * share)} %, ${doing}${left}`;
}
