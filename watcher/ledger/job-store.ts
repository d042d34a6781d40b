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
      let [pendingBytes, pendingVoxels] = [0, 0];
      const left = rows(
        `SELECT folder, status, waits_for, count(*) AS n, sum(sample_bytes) AS bytes, sum(voxels) AS voxels FROM jobs INDEXED BY jobs_left
         WHERE status IN ('queued', 'waiting', 'running') GROUP BY folder, status, waits_for`,
      );
      for (const { folder, status, waits_for, n, bytes, voxels } of left) {
        const own = byFolder[String(folder)] ?? { queued: 0, waiting: 0 };
        byFolder[String(folder)] = own;
        if (status !== "running") own[status as "queued" | "waiting"] += Number(n);
        if (waits_for === "file") continue;
        pendingBytes += Number(bytes);
        pendingVoxels += Number(voxels);
      }
      for (const [folder, own] of Object.entries(byFolder)) {
        if (own.waiting === 0) continue;
        const oldest = table.first(
          "WHERE j.folder = ? AND j.status = 'waiting' ORDER BY j.created_ms",
          folder,
        );
        if (oldest !== undefined) own.oldestReason = whyItWaits(oldest);
      }
      return { byStatus, byFolder, pendingBytes, pendingVoxels };
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
