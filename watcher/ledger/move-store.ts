import type { ErrorReport } from "../../core/errors.ts";
import type { Database, Row } from "./database.ts";
import type { JobOutcome } from "./job.ts";

export type PendingMove = ReturnType<typeof pendingMove>;

/** Sources of one folder that are denoised and still there, with the reason of the first of them. */
export interface KeptSources {
  readonly count: number;
  readonly error: ErrorReport;
}

/** Moves that were asked for and are not yet done: they outlive the daemon. */
export function createMoveStore({ rows, run }: Database, now: () => number) {
  return {
    /** The next move of `folder` that is due. */
    nextMove: (folder: string): PendingMove | undefined => {
      const [row] = rows(
        `SELECT s.*, coalesce(s.delivered_ms,
           (SELECT min(created_ms) FROM jobs WHERE sighting = s.id)) AS seen_ms FROM sightings s
         WHERE s.folder = ? AND s.move = 'asked' AND s.move_not_before_ms <= ?
         ORDER BY s.move_not_before_ms, s.id LIMIT 1`,
        folder,
        now(),
      );
      if (row === undefined) return undefined;
      const outcomes = rows(
        "SELECT outcome FROM jobs WHERE sighting = ? AND outcome IS NOT NULL",
        Number(row["id"]),
      ).map(({ outcome }) => JSON.parse(String(outcome)) as JobOutcome);
      return pendingMove(row, outcomes);
    },

    /** The source is not in the watch folder any more. */
    moved: (id: number): void => {
      run("UPDATE sightings SET move = 'moved', move_error = NULL WHERE id = ?", id);
    },

    /** The source has to stay for now, with the reason; without one where it was not there. */
    moveLater: (id: number, delayMs: number, error?: ErrorReport): void => {
      run(
        `UPDATE sightings SET move_not_before_ms = ?, move_error = ?,
           move_attempts = CASE WHEN (move_error IS NULL) = ? THEN move_attempts + 1 ELSE 1 END WHERE id = ?`,
        now() + delayMs,
        error === undefined ? null : JSON.stringify(error),
        error === undefined ? 1 : 0,
        id,
      );
    },

    /** After a start every move that was asked for is tried at once. */
    wakeMoves: (): void => {
      run("UPDATE sightings SET move_not_before_ms = 0, move_attempts = 0 WHERE move = 'asked'");
    },

    /** With `min`, SQLite takes the other columns from the row that has it (https://sqlite.org/lang_select.html, 2.5). */
    keptSources: (): Record<string, KeptSources> => {
      const kept: Record<string, KeptSources> = {};
      const oldest = rows(
        `SELECT folder, count(*) AS n, min(id), move_error FROM sightings
         WHERE move = 'asked' AND move_error IS NOT NULL GROUP BY folder`,
      );
      for (const { folder, n, move_error } of oldest) {
        kept[String(folder)] = { count: Number(n), error: JSON.parse(String(move_error)) as ErrorReport };
      }
      return kept;
    },
  };
}

/** A source whose jobs are all done and which is to leave its watch folder. `outcomes`: of the jobs of all its series. */
function pendingMove(row: Row, outcomes: readonly JobOutcome[]) {
  const error = row["move_error"];
  return {
    id: Number(row["id"]),
    source: String(row["source"]),
    members: JSON.parse(String(row["members"])) as readonly string[],
    sizeBytes: Number(row["size_bytes"]),
    mtimeMs: Number(row["mtime_ms"]),
    /** Since when it has looked like that, at the latest (milliseconds since 1970, by this machine's clock). */
    seenMs: Number(row["seen_ms"]),
    /** Those that ended in the same way in a row: it had to stay, or it was not there. */
    attempts: Number(row["move_attempts"]),
    outcomes,
    /** Why the last attempt left it where it is. */
    ...(typeof error === "string" && { error: JSON.parse(error) as ErrorReport }),
  };
}
