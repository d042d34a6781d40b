import { pino } from "pino";
import { reportOf } from "../../core/errors.ts";
import { endStatuses } from "../../core/job-messages.ts";
import { createDaemonLog } from "../../watcher/events/daemon-log.ts";
import type { Job } from "../../watcher/ledger/job.ts";
import type { CommandIo } from "../command/command.ts";
import { describeEnd, endNotes } from "../words/job-end.ts";
import type { WatchScreen } from "./watch-screen.ts";

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
    ...(outcome === undefined
      ? {}
      : {
          output: outcome.output,
          elapsed_s: outcome.elapsedS,
          voxels: outcome.voxels,
          provider: outcome.provider,
          notes: endNotes(job),
        }),
    ...(error === undefined ? {} : { code: error.code, remedy: error.remedy }),
    ...(reason === undefined ? {} : { reason }),
  };
}
