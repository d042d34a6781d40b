import { createHash } from "node:crypto";
import { type ErrorReport, machineError } from "../../core/errors.ts";
import { type JobStatus, jobStatuses } from "../../core/messages.ts";
import type { DenoiseOutcome } from "../../runtime/denoise-job.ts";
import type { Database, Row, SqlValue } from "./database.ts";
import type { Admission, Counts, Job } from "./job.ts";
import { jobFromRow, jobSelect } from "./job-row.ts";

/**
 * The life of jobs in the ledger. Each function is one transaction: whatever dies, a job is in exactly one state
 * (docs/durability.md). `now` is milliseconds since 1970.
 */

/** A file at rest, as `watcher/intake/scan.ts` tells of it. */
export interface SeenFile {
  readonly source: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly endsHash: string;
  readonly members: readonly string[];
}

export interface WholeFacts {
  readonly seriesCount: number;
  readonly sampleBytes: number;
  /** Of each series. */
  readonly voxels: readonly number[];
}

export type JobStore = ReturnType<typeof createJobStore>;

export function createJobStore(database: Database, now: () => number) {
  const { rows, run, transaction } = database;

  const jobs = (where: string, ...values: SqlValue[]): Job[] =>
    rows(`${jobSelect} ${where}`, ...values).map(jobFromRow);

  const job = (id: string): Job | undefined => jobs("WHERE j.id = ?", id)[0];

  const latest = (folder: string, source: string): Row | undefined =>
    rows(
      "SELECT * FROM sightings WHERE folder = ? AND source = ? ORDER BY revision DESC LIMIT 1",
      folder,
      source,
    )[0];

  const jobsOf = (sighting: number): Job[] => jobs("WHERE j.sighting = ? ORDER BY j.series", sighting);

  /** Writes what is seen now over a sighting of which no job was ever started. */
  function overwriteSighting(id: number, seen: SeenFile): void {
    run(
      "UPDATE sightings SET size_bytes = ?, mtime_ms = ?, ends_hash = ?, members = ? WHERE id = ?",
      ...identity(seen),
      id,
    );
    run("DELETE FROM jobs WHERE sighting = ? AND series > 0", id);
  }

  function addSighting(folder: string, seen: SeenFile, revision: number): number {
    run(
      "INSERT INTO sightings (size_bytes, mtime_ms, ends_hash, members, folder, source, revision) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ...identity(seen),
      folder,
      seen.source,
      revision,
    );
    return Number(latest(folder, seen.source)?.["id"]);
  }

  /**
   * The sighting that a file at rest belongs to: its latest while that one only waits for its file, else a new
   * revision. What still waited of the older one is skipped.
   */
  function sightingFor(folder: string, seen: SeenFile): { id: number; revision: number; skipped: Job[] } {
    const before = latest(folder, seen.source);
    if (before === undefined) return { id: addSighting(folder, seen, 1), revision: 1, skipped: [] };
    const id = Number(before["id"]);
    const revision = Number(before["revision"]);
    const open = jobsOf(id);
    if (open.length > 0 && open.every((one) => one.waitsFor === "file")) {
      overwriteSighting(id, seen);
      return { id, revision, skipped: [] };
    }
    const skipped = open
      .filter((one) => one.status === "queued" || one.status === "waiting")
      .map((one) => end(one.id, "skipped", { reason: `replaced by revision ${revision + 1}` }));
    return { id: addSighting(folder, seen, revision + 1), revision: revision + 1, skipped };
  }

  function putJob(
    folder: string,
    source: string,
    sighting: { id: number; revision: number },
    fields: {
      series: number;
      status: JobStatus;
      waitsFor?: "file";
      reason?: string;
      error?: ErrorReport;
      voxels?: number;
      sampleBytes?: number;
    },
  ): Job {
    const id = jobId(folder, source, sighting.revision, fields.series);
    run(
      `INSERT INTO jobs (id, sighting, series, status, waits_for, reason, error, voxels, sample_bytes, created_ms, ended_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET status = excluded.status, waits_for = excluded.waits_for, reason = excluded.reason,
         error = excluded.error, voxels = excluded.voxels, sample_bytes = excluded.sample_bytes, ended_ms = excluded.ended_ms`,
      id,
      sighting.id,
      fields.series,
      fields.status,
      fields.waitsFor ?? null,
      fields.reason ?? null,
      fields.error === undefined ? null : JSON.stringify(fields.error),
      fields.voxels ?? 0,
      Math.round(fields.sampleBytes ?? 0),
      now(),
      fields.status === "failed" ? now() : null,
    );
    return existing(id);
  }

  function existing(id: string): Job {
    const [found] = jobs("WHERE j.id = ?", id);
    if (found === undefined)
      throw machineError("the ledger does not hold the job", { code: "job-unknown", found: id });
    return found;
  }

  function end(
    id: string,
    status: "done" | "failed" | "skipped" | "parked",
    fields: { reason?: string; outcome?: DenoiseOutcome; error?: ErrorReport },
  ): Job {
    run(
      "UPDATE jobs SET status = ?, waits_for = NULL, reason = ?, outcome = ?, error = ?, ended_ms = ? WHERE id = ?",
      status,
      fields.reason ?? null,
      fields.outcome === undefined ? null : JSON.stringify(fields.outcome),
      fields.error === undefined ? null : JSON.stringify(fields.error),
      now(),
      id,
    );
    return existing(id);
  }

  /** undefined where the ledger has to act; `whole` is whether the file can be read now. */
  function alreadyKnown(
    folder: string,
    seen: SeenFile,
    whole: boolean,
    wholeHash?: string,
  ): Admission | undefined {
    const before = latest(folder, seen.source);
    if (before === undefined) return undefined;
    const id = Number(before["id"]);
    const sameContent = before["size_bytes"] === seen.sizeBytes && before["ends_hash"] === seen.endsHash;
    const open = jobsOf(id);
    if (!sameContent || open.some((one) => one.waitsFor === "file")) return undefined;
    // A file that was removed while it waited has come back.
    if (whole && open.every((one) => one.status === "skipped" && one.attempt === 0)) return undefined;
    if (before["mtime_ms"] === seen.mtimeMs) return { kind: "unchanged" };
    const sha256 = open.find((one) => one.outcome !== undefined)?.outcome?.sourceSha256;
    if (sha256 === undefined || seen.members.length > 1) return undefined;
    if (wholeHash === undefined) return { kind: "touched", sha256 };
    if (wholeHash !== sha256) return undefined;
    run("UPDATE sightings SET mtime_ms = ? WHERE id = ?", seen.mtimeMs, id);
    return { kind: "unchanged" };
  }

  return {
    /** The files of a folder whose latest content needs no further look. */
    knownFiles: (folder: string) =>
      rows(
        `SELECT source, size_bytes, mtime_ms FROM sightings s WHERE folder = ?
           AND revision = (SELECT max(revision) FROM sightings WHERE folder = s.folder AND source = s.source)
           AND NOT EXISTS (SELECT 1 FROM jobs WHERE sighting = s.id AND waits_for = 'file')`,
        folder,
      ).map((row) => ({
        source: String(row["source"]),
        sizeBytes: Number(row["size_bytes"]),
        mtimeMs: Number(row["mtime_ms"]),
      })),

    /** A file is whole: one job for each of its series, unless this content is known. */
    admitWhole: (folder: string, seen: SeenFile, facts: WholeFacts, wholeHash?: string): Admission =>
      transaction(() => {
        const known = alreadyKnown(folder, seen, true, wholeHash);
        if (known !== undefined) return known;
        const sighting = sightingFor(folder, seen);
        const totalVoxels = facts.voxels.reduce((sum, voxels) => sum + voxels, 0);
        const admitted = facts.voxels.map((voxels, series) =>
          putJob(folder, seen.source, sighting, {
            series,
            status: "queued",
            voxels,
            sampleBytes: totalVoxels === 0 ? 0 : (facts.sampleBytes * voxels) / totalVoxels,
          }),
        );
        // Read again: how many series there are stands only now.
        return { kind: "changed", jobs: [...sighting.skipped, ...admitted.map((one) => existing(one.id))] };
      }),

    /** A file is not whole yet: a waiting job that says why. */
    admitBroken: (folder: string, seen: SeenFile, error: ErrorReport): Admission =>
      transaction(() => {
        const known = alreadyKnown(folder, seen, false);
        if (known?.kind === "unchanged") return known;
        const sighting = sightingFor(folder, seen);
        const fields = { series: 0, status: "waiting", waitsFor: "file", reason: error.message } as const;
        return {
          kind: "changed",
          jobs: [...sighting.skipped, putJob(folder, seen.source, sighting, fields)],
        };
      }),

    /** A file will never be read: a failed job with the remedy. */
    admitRefused: (folder: string, seen: SeenFile, error: ErrorReport): Admission =>
      transaction(() => {
        const known = alreadyKnown(folder, seen, false);
        if (known?.kind === "unchanged") return known;
        const sighting = sightingFor(folder, seen);
        const fields = { series: 0, status: "failed", error } as const;
        return {
          kind: "changed",
          jobs: [...sighting.skipped, putJob(folder, seen.source, sighting, fields)],
        };
      }),

    /** A file that had never become whole is gone. */
    gone: (folder: string, source: string): Job[] =>
      transaction(() =>
        jobs("WHERE s.folder = ? AND s.source = ? AND j.waits_for = 'file'", folder, source).map((one) =>
          end(one.id, "skipped", { reason: "the file was removed before it was complete" }),
        ),
      ),

    /** The job of `folder` that is to run next; it stays as it is. */
    peek: (folder: string, order: "newest" | "oldest"): Job | undefined =>
      jobs(
        `WHERE s.folder = ? AND (j.status = 'queued' OR (j.status = 'waiting' AND j.waits_for = 'time'))
           AND j.not_before_ms <= ?
         ORDER BY s.mtime_ms ${order === "newest" ? "DESC" : "ASC"}, s.source, j.series LIMIT 1`,
        folder,
        now(),
      )[0],

    /**
     * Starts a job and reserves the name of its result: the first of `outputs` that no other job ever had. The
     * name stays with the job over all its attempts.
     */
    start: (id: string, outputs: readonly string[]): Job =>
      transaction(() => {
        const before = existing(id);
        const free = outputs.find(
          (output) => rows("SELECT 1 FROM jobs WHERE output = ?", output).length === 0,
        );
        run(
          "UPDATE jobs SET status = 'running', waits_for = NULL, reason = NULL, attempt = attempt + 1, started_ms = ?, output = ? WHERE id = ?",
          now(),
          before.output ?? free ?? null,
          id,
        );
        return existing(id);
      }),

    finish: (id: string, outcome: DenoiseOutcome): { job: Job; sourceDone: boolean } =>
      transaction(() => {
        const done = end(id, "done", { outcome });
        const left = rows(
          "SELECT 1 FROM jobs WHERE sighting = (SELECT sighting FROM jobs WHERE id = ?) AND status <> 'done'",
          id,
        );
        return { job: done, sourceDone: left.length === 0 };
      }),

    end: (
      id: string,
      status: "failed" | "skipped" | "parked",
      fields: { reason?: string; error?: ErrorReport },
    ): Job => transaction(() => end(id, status, fields)),

    /** Puts a job back; with `delayMs` it waits. `counts: false` where the attempt was not the job's fault. */
    again: (id: string, reason: string, options: { delayMs?: number; counts: boolean }): Job =>
      transaction(() => {
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
        return existing(id);
      }),

    /** Lets jobs of a folder that wait for a time start now. */
    wake: (folder: string): void => {
      run(
        `UPDATE jobs SET not_before_ms = 0 WHERE waits_for = 'time'
           AND sighting IN (SELECT id FROM sightings WHERE folder = ?)`,
        folder,
      );
    },

    /** After a start: what was running when the last daemon died is queued again, or parked when that happened too often. */
    recover: (mostAttempts: number): Job[] =>
      transaction(() =>
        jobs("WHERE j.status = 'running'").map((one) => {
          if (one.attempt >= mostAttempts) {
            return end(one.id, "parked", { error: crashedTooOften(one.attempt) });
          }
          run(
            "UPDATE jobs SET status = 'queued', reason = ? WHERE id = ?",
            "the daemon ended while it ran",
            one.id,
          );
          return existing(one.id);
        }),
      ),

    job,

    counts: (): Counts => {
      const byStatus = Object.fromEntries(jobStatuses.map((status) => [status, 0])) as Record<
        JobStatus,
        number
      >;
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
        const [oldest] = jobs(
          "WHERE s.folder = ? AND j.status = 'waiting' ORDER BY j.created_ms LIMIT 1",
          folder,
        );
        byFolder[folder] = {
          queued: Number(row["queued"]),
          waiting: Number(row["waiting"]),
          ...(oldest === undefined ? {} : { oldestReason: `${oldest.source}: ${oldest.reason ?? ""}` }),
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
      jobs("WHERE j.ended_ms IS NOT NULL AND j.published = 0 ORDER BY j.ended_ms LIMIT ?", limit),

    markPublished: (id: string): void => {
      run("UPDATE jobs SET published = 1 WHERE id = ?", id);
    },

    lastEnded: (): Job | undefined =>
      jobs("WHERE j.ended_ms IS NOT NULL ORDER BY j.ended_ms DESC LIMIT 1")[0],

    retainedTopics: (): string[] => rows("SELECT topic FROM retained").map((row) => String(row["topic"])),
    rememberRetained: (topic: string): void => {
      run("INSERT OR IGNORE INTO retained (topic) VALUES (?)", topic);
    },
    forgetRetained: (topic: string): void => {
      run("DELETE FROM retained WHERE topic = ?", topic);
    },
  };
}

function identity(seen: SeenFile): [number, number, string, string] {
  return [seen.sizeBytes, seen.mtimeMs, seen.endsHash, JSON.stringify(seen.members)];
}

/** The same job has the same id on every machine: it is what the job is, hashed. */
function jobId(folder: string, source: string, revision: number, series: number): string {
  return createHash("sha256")
    .update(JSON.stringify([folder, source, revision, series]))
    .digest("hex")
    .slice(0, 16);
}

function crashedTooOften(attempts: number): ErrorReport {
  return {
    kind: "machine",
    code: "job-crashed",
    message: `the daemon ended ${attempts} times while this job ran`,
    remedy: "Look into the journal of that time; copy the file anew to try again",
    retryable: false,
  };
}
