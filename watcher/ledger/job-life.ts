import type { ErrorReport } from "../../core/errors.ts";
import type { Database } from "./database.ts";
import { isModelFault, isOutputFault } from "./held-faults.ts";
import type { Job, JobOutcome } from "./job.ts";
import { type JobTable, leftNoFile } from "./job-table.ts";

/** What happens to a job between the queue and its end. */
export function createJobLife({ rows, run, transaction }: Database, table: JobTable, now: () => number) {
  const { select } = table;

  /** Takes from the jobs of earlier content of the same source the names under which they left nothing. */
  function giveUpNames({ folder, source, revision, series }: Job): void {
    run(
      `UPDATE jobs AS one SET output = NULL WHERE ${leftNoFile} AND one.series = ? AND one.sighting IN
         (SELECT id FROM sightings WHERE folder = ? AND source = ? AND revision < ?)`,
      series,
      folder,
      source,
      revision,
    );
  }

  /** Asks for the move of a source of which all jobs are done. */
  function askForMove(id: string): void {
    const left = rows(
      "SELECT 1 FROM jobs WHERE sighting = (SELECT sighting FROM jobs WHERE id = ?) AND status <> 'done'",
      id,
    );
    if (left.length > 0) return;
    run(
      `UPDATE sightings SET move = 'asked' WHERE id = (SELECT sighting FROM jobs WHERE id = ?) AND revision =
         (SELECT max(revision) FROM sightings o WHERE o.folder = sightings.folder AND o.source = sightings.source)`,
      id,
    );
  }

  /** The results of older content are superseded by its own. */
  function endDone(id: string, outcome: JobOutcome): Job {
    for (const { job } of table.existing(id).supersedes ?? []) {
      run("UPDATE jobs SET superseded_by = ?, superseded = 'asked' WHERE id = ?", id, job);
    }
    return table.end(id, "done", { outcome });
  }

  return {
    /** The job of `folder` that is to run next, but for those of the ids `but`; it stays as it is. */
    peek: (folder: string, order: "newest" | "oldest", but: readonly string[] = []): Job | undefined =>
      table.first(
        `WHERE j.folder = ? AND (j.status = 'queued' OR j.waits_for = 'time')
           AND j.not_before_ms <= ? AND j.id NOT IN (SELECT value FROM json_each(?))
         ORDER BY j.source_ms ${order === "newest" ? "DESC" : "ASC"}, s.source, j.series`,
        folder,
        now(),
        JSON.stringify(but),
      ),

    /**
     * Starts a job and reserves the name of its result: the first of `outputs` that no other job ever had, or that
     * earlier content of its source had and failed with. The name stays with the job over all its attempts.
     */
    start: (id: string, outputs: readonly string[]): Job =>
      transaction(() => {
        const before = table.existing(id);
        if (before.output === undefined) giveUpNames(before);
        const free = outputs.find(
          (output) => rows("SELECT 1 FROM jobs WHERE output = ?", output).length === 0,
        );
        run(
          "UPDATE jobs SET status = 'running', waits_for = NULL, reason = NULL, attempt = attempt + 1, started_ms = ?, output = ? WHERE id = ?",
          now(),
          before.output ?? free ?? null,
          id,
        );
        return table.existing(id);
      }),

    /** Those of `outputs` that no other job has; not those under which a job surely left nothing. */
    freeNames: (id: string, outputs: readonly string[]): string[] => {
      const taken = rows(
        `SELECT one.output FROM jobs one WHERE one.output IN (SELECT value FROM json_each(?)) AND one.id <> ? AND NOT ${leftNoFile}`,
        JSON.stringify(outputs),
        id,
      ).map(({ output }) => output);
      return outputs.filter((output) => !taken.includes(output));
    },

    /** A job is done. With its source's last job a move of the source is asked for, where `move` is wanted. */
    finish: (id: string, outcome: JobOutcome, move: boolean): Job =>
      transaction(() => {
        const done = endDone(id, outcome);
        if (move) askForMove(id);
        return done;
      }),

    /**
     * As `finish`, for a job whose result stands though no attempt was told to have ended. undefined where that file is the
     * result of another job.
     */
    finishKnown: (id: string, outcome: JobOutcome, move: boolean): Job | undefined =>
      transaction(() => {
        if (rows("SELECT 1 FROM jobs WHERE output = ? AND id <> ?", outcome.output, id).length > 0)
          return undefined;
        run("UPDATE jobs SET output = ? WHERE id = ?", outcome.output, id);
        const done = endDone(id, outcome);
        if (move) askForMove(id);
        return done;
      }),

    /** A job has ended otherwise than done. One of an older content has ended as replaced, whatever it met. */
    end: (
      id: string,
      status: "failed" | "skipped" | "parked",
      fields: { reason?: string; error?: ErrorReport },
    ): Job => transaction(() => table.endReplaced(id) ?? table.end(id, status, fields)),

    /**
     * Puts a job back; with `delayMs` it waits. `counts: false` where the attempt was not the job's fault. A job of an
     * older content ends: another attempt would read the newer one.
     */
    again: (id: string, reason: string, options: { delayMs?: number; counts: boolean }): Job =>
      transaction(() => {
        const replaced = table.endReplaced(id);
        if (replaced !== undefined) return replaced;
        const waits = options.delayMs !== undefined;
        run(
          `UPDATE jobs SET status = ?, waits_for = ?, reason = ?, not_before_ms = ?,
             attempt = max(0, attempt - ?) WHERE id = ?`,
          waits ? "waiting" : "queued",
          waits ? "time" : null,
          reason,
          waits ? now() + (options.delayMs ?? 0) : 0,
          options.counts ? 0 : 1,
          id,
        );
        return table.existing(id);
      }),

    /** Lets jobs of a folder that wait for a time start now. */
    wake: (folder: string): void => {
      run(
        `UPDATE jobs SET not_before_ms = 0 WHERE waits_for = 'time'
           AND sighting IN (SELECT id FROM sightings WHERE folder = ?)`,
        folder,
      );
    },

    /**
     * After a start: jobs that ended for a fault that holds their folder (held-faults.ts) are queued again, those of the
     * newest content of their source only. Earlier versions ended them at once, this one where it found the folder in order
     * each time.
     */
    takeUpHeld: (): Job[] =>
      transaction(() =>
        select(
          `WHERE j.status IN ('parked', 'failed') AND j.attempt > 0 AND j.error IS NOT NULL AND s.revision =
             (SELECT max(revision) FROM sightings WHERE folder = s.folder AND source = s.source)
           ORDER BY j.ended_ms, s.source, j.series`,
        ).flatMap((one) => {
          const { error } = one;
          if (error === undefined || !(isOutputFault(error) || isModelFault(error))) return [];
          run(
            `UPDATE jobs SET status = 'queued', reason = ?, error = NULL, ended_ms = NULL, published = 0,
               attempt = 1, not_before_ms = 0 WHERE id = ?`,
            `queued again after: ${error.message}`,
            one.id,
          );
          return table.existing(one.id);
        }),
      ),

    /** After a start: what was running when the last daemon died is queued again, or parked when that happened too often. */
    recover: (mostAttempts: number): Job[] =>
      transaction(() =>
        select("WHERE j.status = 'running'").map((one) => {
          const replaced = table.endReplaced(one.id);
          if (replaced !== undefined) return replaced;
          if (one.attempt >= mostAttempts) {
            return table.end(one.id, "parked", { error: crashedTooOften(one.attempt) });
          }
          run(
            "UPDATE jobs SET status = 'queued', reason = ? WHERE id = ?",
            "the daemon ended while the job ran",
            one.id,
          );
          return table.existing(one.id);
        }),
      ),
  };
}

function crashedTooOften(attempts: number): ErrorReport {
  return {
    kind: "machine",
    code: "job-crashed",
    message: `the daemon ended ${attempts} times while this job ran`,
    remedy: "Read the log of that time; cnnt-edge queue retry tries again",
    retryable: false,
  };
}
