import { within } from "../core/within.ts";
import type { DaemonLog } from "./events/daemon-log.ts";

/** What was opened so far, so that a start that fails half way leaves nothing open. */
export interface Opened {
  /** How to close what was just opened. */
  readonly push: (close: () => unknown) => void;
  /** Closes the last first. What cannot be closed, or not in time, is told and left. */
  readonly closeAll: () => Promise<void>;
}

/** Each has this long (milliseconds): the process must end also where a disk hangs. */
const closeMs = 5_000;

export function createOpened(log: Pick<DaemonLog, "error">): Opened {
  const closers: (() => unknown)[] = [];
  return {
    push: (close) => void closers.push(close),
    async closeAll() {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
        try {
          await within(closeMs, Promise.resolve(close()));
        } catch (error) {
          log.error(error);
        }
      }
    },
  };
}
