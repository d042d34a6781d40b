import { type JobStatus, jobStatuses } from "../../core/job-status.ts";
import { withoutOwnName } from "../../core/own-name.ts";
import { createAdmission } from "./admission.ts";
import { createByHand } from "./by-hand.ts";
import type { Database } from "./database.ts";
import { createExpiredStore } from "./expired-store.ts";
import { createForgetting } from "./history.ts";
import type { Counts, Job } from "./job.ts";
import { createJobLife } from "./job-life.ts";
import { createJobTable } from "./job-table.ts";
import { createMoveStore } from "./move-store.ts";
import { createSupersededStore } from "./superseded-store.ts";

/**
 * All that the ledger can do. Each function is one transaction: whatever dies, a job is in exactly one state
 * (docs/durability.md). `now` is milliseconds since 1970.
 */
export type JobStore = ReturnType<typeof createJobStore>;

export function createJobStore(database: Database, now: () => number) {
  const { rows, run } = database;
  const table = createJobTable(database, now);
  const { select } = table;

  return {
    ...createAdmission(database, table, now),
    ...createJobLife(database, table, now),
    ...createMoveStore(database, now),
    ...createForgetting(database),
    ...createByHand(database, table, now),
    ...createSupersededStore(database, table),
    ...createExpiredStore(database, table),

    job: (id: string): Job | undefined => select("WHERE j.id = ?", id)[0],

    counts: (): Counts => {
      const none = jobStatuses.map((status) => [status, 0]);
      const byStatus = Object.fromEntries(none) as Record<JobStatus, number>;
      for (const row of rows("SELECT status, count(*) AS n FROM jobs GROUP BY status")) {
        byStatus[row["status"] as JobStatus] = Number(row["n"]);
      }
      const byFolder: Record<string, { queued: number; waiting: number; oldestReason?: string }> = {};
      const perFolder = rows(
        `SELECT s.folder, sum(j.status = 'queued') AS queued, sum(j.status = 'waiting') AS waiting
         FROM jobs j JOIN sightings s ON s.id = j.sighting WHERE j.status IN ('queued', 'waiting') GROUP BY s.folder`,
      );
      for (const row of perFolder) {
        const folder = String(row["folder"]);
        const [oldest] = select(
          "WHERE s.folder = ? AND j.status = 'waiting' ORDER BY j.created_ms LIMIT 1",
          folder,
        );
        byFolder[folder] = {
          queued: Number(row["queued"]),
          waiting: Number(row["waiting"]),
          ...(oldest && { oldestReason: whyItWaits(oldest) }),
        };
      }
      const [pending] = rows(
        `SELECT coalesce(sum(sample_bytes), 0) AS bytes, coalesce(sum(voxels), 0) AS voxels FROM jobs
         WHERE status IN ('queued', 'running') OR waits_for = 'time'`,
      );
      return {
        byStatus,
        byFolder,
        pendingBytes: Number(pending?.["bytes"] ?? 0),
        pendingVoxels: Number(pending?.["voxels"] ?? 0),
      };
    },

    /** Ends that the broker has not confirmed, oldest first. */
    unpublished: (limit: number): Job[] =>
      select("WHERE j.ended_ms IS NOT NULL AND j.published = 0 ORDER BY j.ended_ms LIMIT ?", limit),

    markPublished: (id: string): void => {
      run("UPDATE jobs SET published = 1 WHERE id = ?", id);
    },

    lastEnded: (): Job | undefined =>
      select("WHERE j.ended_ms IS NOT NULL ORDER BY j.ended_ms DESC LIMIT 1")[0],

    /** Where the disk of `path` was mounted: of a watch folder, its results or its finished sources; undefined: never yet. */
    mountPoint: (folder: string, path: string): string | undefined => {
      const [row] = rows("SELECT mount_point FROM disks WHERE folder = ? AND path = ?", folder, path);
      return row === undefined ? undefined : String(row["mount_point"]);
    },
    rememberMountPoint: (folder: string, path: string, mountPoint: string): void => {
      run(
        "INSERT OR REPLACE INTO disks (folder, path, mount_point) VALUES (?, ?, ?)",
        folder,
        path,
        mountPoint,
      );
    },

    /** Throws where nothing can be written. */
    tryWriting: (): void => {
      const [row] = rows("PRAGMA user_version");
      run(`PRAGMA user_version = ${Number(row?.["user_version"])}`);
    },

    retainedTopics: (): string[] => rows("SELECT topic FROM retained").map((row) => String(row["topic"])),
    rememberRetained: (topic: string): void => {
      run("INSERT OR IGNORE INTO retained (topic) VALUES (?)", topic);
    },
    forgetRetained: (topic: string): void => {
      run("DELETE FROM retained WHERE topic = ?", topic);
    },
  };
}

function whyItWaits({ source, reason = "" }: Job): string {
  return `${source}: ${withoutOwnName(reason, source)}`;
}
