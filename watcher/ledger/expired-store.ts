import type { Database } from "./database.ts";
import type { Job } from "./job.ts";
import type { JobTable } from "./job-table.ts";

/** Results whose time is over. */
export function createExpiredStore({ run }: Pick<Database, "run">, { select }: JobTable) {
  return {
    /**
     * Jobs of `folder` that were done and told before `beforeMs`, the oldest first, whose results may be there still. One of which
     * nobody knows how it looked is never among them: it could not be told from one that a person has changed.
     */
    oldResults: (folder: string, beforeMs: number, limit: number): Job[] =>
      select(
        `WHERE s.folder = ? AND j.status = 'done' AND j.ended_ms < ? AND j.published = 1 AND j.expired IS NULL
           AND coalesce(j.superseded, 'marked') = 'marked' AND json_extract(j.outcome, '$.outputLook') IS NOT NULL
         ORDER BY j.ended_ms LIMIT ?`,
        folder,
        beforeMs,
        limit,
      ),
    resultExpired: (id: string, end: NonNullable<Job["expired"]>): void => {
      run("UPDATE jobs SET expired = ? WHERE id = ?", end, id);
    },
  };
}
