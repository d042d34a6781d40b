import type { Database } from "./database.ts";
import type { Job, SupersededEnd } from "./job.ts";
import type { JobTable } from "./job-table.ts";

/** Results that newer content has superseded: what is to become of them outlives the daemon. */
export function createSupersededStore(
  { run, transaction }: Pick<Database, "run" | "transaction">,
  table: JobTable,
) {
  return {
    /** The next job of `folder` whose result is superseded and neither marked nor removed yet, but for those of the ids `but`. */
    nextSuperseded: (folder: string, but: readonly string[] = []): Job | undefined =>
      table.first(
        `WHERE j.folder = ? AND j.superseded = 'asked' AND j.id NOT IN (SELECT value FROM json_each(?))
         ORDER BY j.ended_ms`,
        folder,
        JSON.stringify(but),
      ),
    /**
     * What became of the result of `id`. Where it is not there any more, those that are marked with its name are to name the
     * result that superseded it.
     */
    supersededEnded: (id: string, end: SupersededEnd): void =>
      transaction(() => {
        run("UPDATE jobs SET superseded = ? WHERE id = ?", end, id);
        if (end === "marked") return;
        run(
          `UPDATE jobs AS o SET superseded = 'asked', superseded_by = j.superseded_by
           FROM jobs j JOIN sightings s ON s.id = j.sighting
           WHERE j.id = ? AND o.superseded_by = j.id AND o.superseded IN ('asked', 'marked')
             -- No index knows who superseded whom.
             AND o.sighting IN (SELECT id FROM sightings WHERE folder = s.folder AND source = s.source)`,
          id,
        );
      }),
  };
}
