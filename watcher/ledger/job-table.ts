import { jobKey } from "../../core/acquisition-key.ts";
import { type ErrorReport, machineError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { Database, Row, SqlValue } from "./database.ts";
import type { Job, JobOutcome, SupersededResult } from "./job.ts";

/**
 * Whether the job `one` surely left no file under the name that it reserved, so that the next revision of its source may
 * have that name. After a lost engine (parked), a result that was there (skipped) or a defect there may be one. The plus
 * keeps SQLite from looking at every job without a name.
 */
export const leftNoFile = `(+one.output IS NULL OR (one.status = 'failed' AND coalesce(json_extract(one.error, '$.kind'), 'defect') <> 'defect'))`;

/** The columns that `jobFromRow` reads. */
export const jobSelect = `SELECT j.*, s.folder, s.source, s.members, s.revision, s.size_bytes, s.mtime_ms,
  (SELECT count(*) FROM jobs WHERE sighting = j.sighting) AS series_count,
  EXISTS (SELECT 1 FROM jobs one JOIN sightings e ON e.id = one.sighting
    WHERE e.folder = s.folder AND e.source = s.source AND e.revision < s.revision
      AND one.series = j.series AND NOT ${leftNoFile}) AS earlier_result,
  (SELECT json_group_array(json_object('job', o.id, 'output', o.output,
      'sourceSha256', json_extract(o.outcome, '$.sourceSha256')))
    FROM sightings e JOIN jobs o ON o.sighting = e.id
    WHERE e.folder = s.folder AND e.source = s.source AND e.revision < s.revision AND o.status = 'done'
      -- What the newer content has no image for is superseded by its first.
      AND (o.series = j.series OR (j.series = 0
        AND o.series NOT IN (SELECT series FROM jobs WHERE sighting = j.sighting)))
      AND (o.superseded_by = j.id OR (o.superseded_by IS NULL AND j.status <> 'done'))) AS supersedes,
  (SELECT n.output FROM jobs n WHERE n.id = j.superseded_by) AS superseding_output,
  CASE WHEN j.status IN ('failed', 'parked') THEN (
    SELECT n.source FROM files f JOIN sightings n ON n.id = f.sighting
    WHERE f.folder = s.folder AND f.source = s.source AND n.id > s.id
      AND (SELECT count(*) > 0 AND min(status = 'done') = 1 FROM jobs WHERE sighting = n.id)) END AS newer_done
  FROM jobs j JOIN sightings s ON s.id = j.sighting`;

/** The ledger wrote these columns itself, in the same version or an older one that a migration brought up. */
export function jobFromRow(row: Row): Job {
  const parsed = <Value>(column: string): Value | undefined =>
    row[column] == null ? undefined : (JSON.parse(String(row[column])) as Value);
  const { id, folder, source, series, status, attempt, voxels } = row as unknown as Job;
  return {
    id,
    folder,
    source,
    members: parsed<string[]>("members") ?? [],
    series,
    seriesCount: Number(row["series_count"]),
    // Negative where the content before it came back (`setAside`).
    revision: Math.abs(Number(row["revision"])),
    sizeBytes: Number(row["size_bytes"]),
    mtimeMs: Number(row["mtime_ms"]),
    status,
    attempt,
    voxels,
    sampleBytes: Number(row["sample_bytes"]),
    ...(row["earlier_result"] === 1 && { hasEarlierResult: true }),
    ...present({
      reason: row["reason"] as string | null,
      waitsFor: row["waits_for"] as "file" | "time" | null,
      output: row["output"] as string | null,
      outcome: parsed<JobOutcome>("outcome"),
      error: parsed<ErrorReport>("error"),
      endedMs: row["ended_ms"] as number | null,
      superseded: row["superseded"] as Job["superseded"] | null,
      newerDone: row["newer_done"] as string | null,
      expired: row["expired"] as Job["expired"] | null,
    }),
    ...(row["superseded_by"] !== null && {
      supersededBy: { job: String(row["superseded_by"]), output: String(row["superseding_output"]) },
    }),
    ...(row["supersedes"] !== "[]" && { supersedes: parsed<SupersededResult[]>("supersedes") ?? [] }),
  };
}

export type JobTable = ReturnType<typeof createJobTable>;

export interface SightingKey {
  readonly id: number;
  readonly revision: number;
}

interface NewJob
  extends Pick<Job, "series" | "status" | "reason" | "error">,
    Partial<Pick<Job, "voxels" | "sampleBytes">> {
  readonly waitsFor?: "file";
}

/** Rows of jobs, read and written; whoever calls has the transaction. */
export function createJobTable({ rows, run }: Database, now: () => number) {
  /** The jobs that a clause selects; `j` are jobs, `s` their sightings. */
  const select = (clause: string, ...values: SqlValue[]): Job[] =>
    rows(`${jobSelect} ${clause}`, ...values).map(jobFromRow);

  /** Throws `EdgeError` (`machine`) where there is no such job. */
  const existing = (id: string): Job => {
    const [found] = select("WHERE j.id = ?", id);
    if (found !== undefined) return found;
    throw machineError("the ledger does not hold the job", { code: "job-unknown", found: id });
  };

  const end = (
    id: string,
    status: "done" | "failed" | "skipped" | "parked",
    { reason, outcome, error }: Pick<Job, "reason" | "outcome" | "error">,
  ): Job => {
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
    /** The first job that a clause over jobs `j` and their sightings `s` selects. */
    first: (clause: string, ...values: SqlValue[]): Job | undefined => {
      // What `select` reads beside a job is read for this one only, not for all that are to be put in order.
      const [found] = rows(
        `SELECT j.id FROM jobs j JOIN sightings s ON s.id = j.sighting ${clause} LIMIT 1`,
        ...values,
      );
      return found && existing(String(found["id"]));
    },
    existing,
    end,
    /** Ends the job of an older content as replaced; undefined where `id` is of the newest content of its source. */
    endReplaced: (id: string): Job | undefined => {
      const [newer] = rows(
        `SELECT max(o.revision) AS revision FROM jobs j JOIN sightings s ON s.id = j.sighting
           JOIN sightings o ON o.folder = s.folder AND o.source = s.source
         WHERE j.id = ? HAVING max(o.revision) > max(s.revision)`,
        id,
      );
      if (newer === undefined) return undefined;
      return end(id, "skipped", { reason: `replaced by revision ${Number(newer["revision"])}` });
    },
    /** Makes the job of one series of a sighting, or says anew how it stands. Answers its id. */
    put: (folder: string, source: string, sighting: SightingKey, fields: NewJob): string => {
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
