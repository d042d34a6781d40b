import { pino } from "pino";
import { describeError, reportOf } from "../../core/errors.ts";
import { endStatuses } from "../../core/job-status.ts";
import { present } from "../../core/record.ts";
import type { Progress } from "../../runtime/job/denoise-job.ts";
import { createDaemonLog, type DaemonLog } from "../../watcher/events/daemon-log.ts";
import type { Job } from "../../watcher/ledger/job.ts";
import type { CommandIo } from "../command/command.ts";
import { describeEnd, endNotes, sourceName } from "../words/job-end.ts";
import { createProgressLine, type ProgressLine } from "../words/progress.ts";

/** Where `watch` tells what it does. */
export interface WatchScreen {
  readonly log: DaemonLog;
  /** A job took a step of its life; its end is told. */
  readonly job: (job: Job) => void;
  readonly running: (job: Job, progress: Progress) => void;
  /** Before something else is written to the terminal: takes the bar away. It comes back by itself. */
  readonly clear: () => void;
}

/** As wide as the time of day and a space: a note stands below the text of its line. */
const noteIndent = " ".repeat(9);

/**
 * For a person at a terminal: a line with the time of day for what happened, and below the lines a bar for the
 * running job.
 */
export function createWatchScreen(
  stderr: CommandIo["stderr"],
  now: () => number = () => performance.now(),
  clock: () => Date = () => new Date(),
): WatchScreen {
  let bar: { readonly job: string; readonly line: ProgressLine } | undefined;

  function clear(): void {
    bar?.line.end();
  }

  function line(text: string): void {
    clear();
    stderr.write(`${clock().toTimeString().slice(0, 8)} ${text}\n`);
  }

  return {
    log: createDaemonLog({
      info: line,
      problem: (level, error) => line(`${level === "warn" ? "warning" : "error"}: ${describeError(error)}`),
    }),
    running(job, progress) {
      if (bar?.job !== job.id) {
        clear();
        bar = { job: job.id, line: createProgressLine(sourceName(job), stderr, now) };
      }
      bar.line.show(progress);
    },
    job(job) {
      if (bar?.job === job.id && job.status !== "running") {
        clear();
        bar = undefined;
      }
      if (!endStatuses.has(job.status)) return;
      line(describeEnd(job));
      for (const note of endNotes(job)) stderr.write(`${noteIndent}note: ${note}\n`);
    },
    clear,
  };
}

/** For a journal or a program: JSON lines. A job has one line at its end, and none on its way. */
export function createWatchJournal(stderr: CommandIo["stderr"]): WatchScreen {
  const json = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, stderr);
  return {
    log: createDaemonLog({
      info: (text) => json.info(text),
      problem: (level, error, about) => {
        const { code, message, remedy } = reportOf(error);
        json[level]({ ...about, code, remedy }, message);
      },
    }),
    running: () => undefined,
    job(job) {
      if (!endStatuses.has(job.status)) return;
      json[job.status === "failed" || job.status === "parked" ? "warn" : "info"](
        endFields(job),
        describeEnd(job),
      );
    },
    clear: () => undefined,
  };
}

/** The names are those of the message over MQTT (`core/messages.ts`), but `output` is the whole path. */
function endFields(job: Job) {
  const { id, folder, source, series, status, attempt, outcome, error, reason } = job;
  return {
    job: id,
    folder,
    source,
    series,
    status,
    attempt,
    ...(outcome && {
      output: outcome.output,
      elapsed_s: outcome.elapsedS,
      voxels: outcome.voxels,
      provider: outcome.provider,
      notes: endNotes(job),
      ...present({ known_from_result: outcome.knownFromResult }),
    }),
    ...(error && { code: error.code, remedy: error.remedy }),
    ...present({ reason }),
  };
}
