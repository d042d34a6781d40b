import type { JobStatus } from "../../core/job-status.ts";
import type { Database, SqlValue } from "./database.ts";
import type { Job } from "./job.ts";
import { jobFromRow, jobSelect } from "./job-table.ts";

/** What was done, and what is remembered of it for how long. */

export interface HistoryQuestion {
  readonly folder?: string;
  /** As `Job.source`. */
  readonly sources?: readonly string[];
  readonly statuses?: readonly JobStatus[];
  /** Of `HistoryJob.timeMs`. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly limit: number;
}

export interface HistoryJob extends Job {
  /** When it ended, else when it was started, else when it was made; in milliseconds since 1970. */
  readonly timeMs: number;
}

/** A source of which everything is old; it may be forgotten where no file of it is left. */
export interface OldSource {
  readonly source: string;
  /** All files of it, below the watch folder. */
  readonly members: readonly string[];
  /** Names that its results had or reserved, absolute. */
  readonly outputs: readonly string[];
}

/** `HistoryJob.timeMs`; `migrations.ts` has an index of it. */
const jobTime = "coalesce(j.ended_ms, j.started_ms, j.created_ms)";

/** Newest first. */
export function askHistory({ rows }: Pick<Database, "rows">, question: HistoryQuestion): HistoryJob[] {
  const { folder, sources, statuses, sinceMs, untilMs, limit } = question;
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  const where = (condition: string, ...more: SqlValue[]): void => {
    conditions.push(condition);
    values.push(...more);
  };
  // The plus keeps SQLite from the folder's own index: all of its jobs would be sorted for the newest few.
  if (folder !== undefined) where("+s.folder = ?", folder);
  if (sources !== undefined) where("+s.source IN (SELECT value FROM json_each(?))", JSON.stringify(sources));
  if (statuses !== undefined) where(`j.status IN (${statuses.map(() => "?").join(", ")})`, ...statuses);
  if (sinceMs !== undefined) where(`${jobTime} >= ?`, sinceMs);
  if (untilMs !== undefined) where(`${jobTime} < ?`, untilMs);
  const clause = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  return rows(`${jobSelect} ${clause} ORDER BY ${jobTime} DESC LIMIT ?`, ...values, limit).map((row) => ({
    ...jobFromRow(row),
    timeMs: Number(row["ended_ms"] ?? row["started_ms"] ?? row["created_ms"]),
  }));
}

/** Forgetting, a source at a time: its revisions, their jobs and what is known of its files. */
export function createForgetting({ rows, run, transaction }: Database) {
  /** What makes a source old, for a clause over its sightings `s` and their jobs `j`. */
  const isOld = `count(j.ended_ms) = count(*) AND min(j.published) = 1 AND max(j.ended_ms) < ?
    AND max(coalesce(s.delivered_ms, 0)) < ? AND sum(s.move IS 'asked') = 0
    AND sum(j.superseded IS 'asked') = 0`;
  return {
    /** Sources of the folder after `after`, by name, whose jobs have all ended and were told before `beforeMs`. */
    oldSources: (folder: string, beforeMs: number, after: string, limit: number): OldSource[] =>
      rows(
        `SELECT s.source, json_group_array(json(s.members)) AS members,
           json_group_array(j.output) FILTER (WHERE j.output IS NOT NULL) AS outputs
         FROM sightings s JOIN jobs j ON j.sighting = s.id WHERE s.folder = ? AND s.source > ?
         GROUP BY s.source
         HAVING ${isOld}
         ORDER BY s.source LIMIT ?`,
        folder,
        after,
        beforeMs,
        beforeMs,
        limit,
      ).map(({ source, members, outputs }) => ({
        source: String(source),
        members: [...new Set((JSON.parse(String(members)) as string[][]).flat())],
        outputs: JSON.parse(String(outputs)) as string[],
      })),

    /** Those of the sources that are old still: one may have come again since. */
    forgetSources: (folder: string, sources: readonly string[], beforeMs: number): void =>
      transaction(() => {
        const given = "s.folder = ? AND s.source IN (SELECT value FROM json_each(?))";
        const old = rows(
          `SELECT s.source FROM sightings s JOIN jobs j ON j.sighting = s.id WHERE ${given} GROUP BY s.source HAVING ${isOld}`,
          folder,
          JSON.stringify(sources),
          beforeMs,
          beforeMs,
        ).map(({ source }) => source);
        const ofSources = `(SELECT s.id FROM sightings s WHERE ${given})`;
        for (const table of ["files WHERE sighting", "jobs WHERE sighting", "sightings WHERE id"])
          run(`DELETE FROM ${table} IN ${ofSources}`, folder, JSON.stringify(old));
      }),
  };
}
