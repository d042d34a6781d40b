import type { Database } from "./database.ts";
import type { Job, SupersededEnd } from "./job.ts";
import type { JobTable } from "./job-table.ts";

/** Results that newer content has superseded: what is to become of them outlives the daemon. */
export function createSupersededStore({ run }: Pick<Database, "run">, { select }: JobTable) {
  return {
    /** The next job of `folder` whose result is superseded and neither marked nor removed yet, but for those of the ids `but`. */
    nextSuperseded: (folder: string, but: readonly string[] = []): Job | undefined =>
      select(
        `WHERE s.folder = ? AND j.superseded = 'asked' AND j.id NOT IN (SELECT value FROM json_each(?))
         ORDER BY j.ended_ms LIMIT 1`,
        folder,
        JSON.stringify(but),
      )[0],
    supersededEnded: (id: string, end: SupersededEnd): void => {
      run("UPDATE jobs SET superseded = ? WHERE id = ?", end, id);
    },
  };
}
