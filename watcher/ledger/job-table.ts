import { jobKey } from "../../core/acquisition-key.ts";
import { type ErrorReport, machineError } from "../../core/errors.ts";
import type { JobStatus } from "../../core/job-messages.ts";
import type { DenoiseOutcome } from "../../runtime/job/denoise-job.ts";
import type { Database, SqlValue } from "./database.ts";
import type { Job } from "./job.ts";
import { jobFromRow, jobSelect } from "./job-row.ts";

/** Rows of jobs, read and written; whoever calls has the transaction. */
export interface JobTable {
  /** The jobs that a clause selects; `j` are jobs, `s` their sightings. */
  readonly select: (clause: string, ...values: SqlValue[]) => Job[];
  /** Throws `EdgeError` (`machine`) where there is no such job. */
  readonly existing: (id: string) => Job;
  /** Makes the job of one series of a sighting, or says anew how it stands. Answers its id. */
  readonly put: (folder: string, source: string, sighting: SightingKey, fields: NewJob) => string;
  readonly end: (id: string, status: EndStatus, fields: EndFields) => Job;
  /** Ends the job of an older content as replaced; undefined where `id` is of the newest content of its source. */
  readonly endReplaced: (id: string) => Job | undefined;
}

export interface SightingKey {
  readonly id: number;
  readonly revision: number;
}

export interface NewJob {
  readonly series: number;
  readonly status: JobStatus;
  readonly waitsFor?: "file";
  readonly reason?: string;
  readonly error?: ErrorReport;
  readonly voxels?: number;
  readonly sampleBytes?: number;
}

export type EndStatus = "done" | "failed" | "skipped" | "parked";

export interface EndFields {
  readonly reason?: string;
  readonly outcome?: DenoiseOutcome;
  readonly error?: ErrorReport;
}

export function createJobTable({ rows, run }: Database, now: () => number): JobTable {
  const select = (clause: string, ...values: SqlValue[]): Job[] =>
    rows(`${jobSelect} ${clause}`, ...values).map(jobFromRow);

  const existing = (id: string): Job => {
    const [found] = select("WHERE j.id = ?", id);
    if (found !== undefined) return found;
    throw machineError("the ledger does not hold the job", { code: "job-unknown", found: id });
  };

  const end: JobTable["end"] = (id, status, { reason, outcome, error }) => {
    run(
      "UPDATE jobs SET status = ?, waits_for = NULL, reason = ?, outcome = ?, error = ?, ended_ms = ? WHERE id = ?",
      status,
      reason ?? null,
      asJson(outcome),
      asJson(error),
      now(),
      id,
    );
    return existing(id);
  };

  return {
    select,
    existing,
    end,
    endReplaced: (id) => {
      const [newer] = rows(
        `SELECT max(o.revision) AS revision FROM jobs j JOIN sightings s ON s.id = j.sighting
           JOIN sightings o ON o.folder = s.folder AND o.source = s.source
         WHERE j.id = ? HAVING max(o.revision) > max(s.revision)`,
        id,
      );
      if (newer === undefined) return undefined;
      return end(id, "skipped", { reason: `replaced by revision ${Number(newer["revision"])}` });
    },
    put: (folder, source, sighting, fields) => {
      const [known] = rows(
        "SELECT id FROM jobs WHERE sighting = ? AND series = ?",
        sighting.id,
        fields.series,
      );
      // An earlier version gave content that came back another revision, and its jobs kept their ids.
      const id = String(known?.["id"] ?? jobKey(folder, source, sighting.revision, fields.series));
      run(
        `INSERT INTO jobs (id, sighting, series, status, waits_for, reason, error, voxels, sample_bytes, created_ms, ended_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, waits_for = excluded.waits_for,
           reason = excluded.reason, error = excluded.error, voxels = excluded.voxels,
           sample_bytes = excluded.sample_bytes, ended_ms = excluded.ended_ms, published = 0`,
        id,
        sighting.id,
        fields.series,
        fields.status,
        fields.waitsFor ?? null,
        fields.reason ?? null,
        asJson(fields.error),
        fields.voxels ?? 0,
        Math.round(fields.sampleBytes ?? 0),
        now(),
        fields.status === "failed" ? now() : null,
      );
      return id;
    },
  };
}

function asJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
