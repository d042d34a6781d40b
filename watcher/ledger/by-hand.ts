import { type EdgeError, usageError } from "../../core/errors.ts";
import type { Database } from "./database.ts";
import type { Job } from "./job.ts";
import type { JobTable } from "./job-table.ts";

/** A folder of which no job begins. `sinceMs`: milliseconds since 1970. */
export interface PausedFolder {
  readonly folder: string;
  readonly sinceMs: number;
}

/** By name. */
export function pausedFoldersIn({ rows }: Pick<Database, "rows">): PausedFolder[] {
  return rows("SELECT folder, since_ms FROM pauses ORDER BY folder").map((row) => ({
    folder: String(row["folder"]),
    sinceMs: Number(row["since_ms"]),
  }));
}

/** What a person does to jobs and folders at the shell (`cnnt-edge queue`). */
export function createByHand({ rows, run, transaction }: Database, table: JobTable, now: () => number) {
  return {
    /**
     * A job that ended without a result is queued again, its attempts forgotten but for one: a job that was begun may replace
     * what it left (`job-order.ts`). Throws `EdgeError` (`usage`): `job-not-retried`.
     */
    retry: (id: string): Job =>
      transaction(() => {
        const one = table.existing(id);
        const why = whyNotAgain(one, isReplaced(one));
        if (why !== undefined) throw refused("job-not-retried", "is not queued again", why);
        run(
          `UPDATE jobs SET status = 'queued', reason = 'queued again by a person', error = NULL, ended_ms = NULL,
             published = 0, attempt = min(attempt, 1), not_before_ms = 0 WHERE id = ?`,
          id,
        );
        return table.existing(id);
      }),

    /** A job that has not begun ends as skipped. Throws `EdgeError` (`usage`): `job-not-skipped`. */
    skip: (id: string): Job =>
      transaction(() => {
        const one = table.existing(id);
        const why = whyNotSkipped(one);
        if (why !== undefined) throw refused("job-not-skipped", "is not skipped", why);
        return table.end(id, "skipped", { reason: "skipped by a person" });
      }),

    /** Folders of which no job begins until they are resumed, over restarts too. */
    pausedFolders: (): PausedFolder[] => pausedFoldersIn({ rows }),
    pauseFolder: (folder: string): void => {
      run("INSERT OR IGNORE INTO pauses (folder, since_ms) VALUES (?, ?)", folder, now());
    },
    resumeFolder: (folder: string): void => {
      run("DELETE FROM pauses WHERE folder = ?", folder);
    },
  };

  function isReplaced({ folder, source, revision }: Job): boolean {
    const [newest] = rows(
      "SELECT max(revision) AS revision FROM sightings WHERE folder = ? AND source = ?",
      folder,
      source,
    );
    return Number(newest?.["revision"]) > revision;
  }
}

/** Why something cannot be, and what a person can do instead. */
interface Refusal {
  readonly why: string;
  readonly remedy?: string;
}

function whyNotAgain(
  { source, status, voxels, supersededBy, newerDone }: Job,
  isReplaced: boolean,
): Refusal | undefined {
  if (supersededBy !== undefined) return { why: `its result is superseded by ${supersededBy.output}` };
  if (status === "done") {
    const remedy =
      "To denoise the same file once more, run cnnt-edge denoise, or copy the file into the watch folder under another name";
    return { why: "it is done", remedy };
  }
  if (status === "queued" || status === "waiting" || status === "running")
    return { why: `it is ${status} already` };
  if (newerDone !== undefined) return { why: newerDoneWords(source, newerDone) };
  if (isReplaced)
    return { why: "its source has newer content", remedy: "cnnt-edge queue lists the job of that" };
  // Then nobody knows what it holds.
  if (voxels > 0) return undefined;
  return {
    why: "its file was never whole, or is refused",
    remedy: "Copy the file into the watch folder again",
  };
}

function whyNotSkipped({ status, waitsFor }: Job): Refusal | undefined {
  if (waitsFor === "file") return { why: "it waits for its file to become whole, and ends by itself" };
  if (status === "queued" || status === "waiting") return undefined;
  return { why: `it is ${status}`, remedy: "Only jobs that have not begun can be skipped" };
}

/** What came of the file of a job without a result: see `Job.newerDone`. */
export function newerDoneWords(source: string, newerDone: string): string {
  return newerDone === source ? "its newer content is done" : `the file is done as part of ${newerDone}`;
}

function refused(code: string, what: string, { why, ...remedy }: Refusal): EdgeError {
  return usageError(`the job ${what}: ${why}`, { code, ...remedy });
}
