import type { ErrorReport } from "../../core/errors.ts";
import type { JobStatus } from "../../core/job-messages.ts";
import { present } from "../../core/record.ts";
import type { DenoiseOutcome } from "../../runtime/job/denoise-job.ts";
import type { Row } from "./database.ts";
import type { Job } from "./job.ts";

/**
 * Whether the job `one` surely left no file under the name that it reserved, so that the next revision of its source may
 * have that name. After a lost engine (parked), a result that was there (skipped) or a defect there may be one.
 */
export const leftNoFile = `(one.output IS NULL OR (one.status = 'failed' AND coalesce(json_extract(one.error, '$.kind'), 'defect') <> 'defect'))`;

/** The columns that `jobFromRow` reads. */
export const jobSelect = `SELECT j.*, s.folder, s.source, s.members, s.revision, s.size_bytes, s.mtime_ms,
  (SELECT count(*) FROM jobs WHERE sighting = j.sighting) AS series_count,
  EXISTS (SELECT 1 FROM jobs one JOIN sightings e ON e.id = one.sighting
    WHERE e.folder = s.folder AND e.source = s.source AND e.revision < s.revision
      AND one.series = j.series AND NOT ${leftNoFile}) AS earlier_result
  FROM jobs j JOIN sightings s ON s.id = j.sighting`;

/** The ledger wrote these texts itself, in the same version or an older one that a migration brought up. */
export function jobFromRow(row: Row): Job {
  const text = (column: string): string | undefined => {
    const value = row[column];
    return typeof value === "string" ? value : undefined;
  };
  const number = (column: string): number | undefined => {
    const value = row[column];
    return typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;
  };
  const parsed = <Value>(column: string): Value | undefined => {
    const json = text(column);
    return json === undefined ? undefined : (JSON.parse(json) as Value);
  };
  return {
    id: text("id") ?? "",
    folder: text("folder") ?? "",
    source: text("source") ?? "",
    members: parsed<string[]>("members") ?? [],
    series: number("series") ?? 0,
    seriesCount: number("series_count") ?? 1,
    // Negative where the content before it came back (`setAside`).
    revision: Math.abs(number("revision") ?? 1),
    sizeBytes: number("size_bytes") ?? 0,
    mtimeMs: number("mtime_ms") ?? 0,
    status: text("status") as JobStatus,
    attempt: number("attempt") ?? 0,
    voxels: number("voxels") ?? 0,
    sampleBytes: number("sample_bytes") ?? 0,
    ...(number("earlier_result") === 1 ? { hasEarlierResult: true } : {}),
    ...present({
      reason: text("reason"),
      waitsFor: text("waits_for") as "file" | "time" | undefined,
      output: text("output"),
      outcome: parsed<DenoiseOutcome>("outcome"),
      error: parsed<ErrorReport>("error"),
      endedMs: number("ended_ms"),
    }),
  };
}
