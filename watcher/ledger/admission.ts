import type { ErrorReport } from "../../core/errors.ts";
import type { Database, Row } from "./database.ts";
import type { Admission, Job } from "./job.ts";
import type { JobTable } from "./job-table.ts";

/** How files that came to rest become jobs: each content once. */

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

export function createAdmission({ rows, run, transaction }: Database, table: JobTable) {
  const { select } = table;

  const latest = (folder: string, source: string): Row | undefined =>
    rows(
      "SELECT * FROM sightings WHERE folder = ? AND source = ? ORDER BY revision DESC LIMIT 1",
      folder,
      source,
    )[0];

  const jobsOf = (sighting: number): Job[] => select("WHERE j.sighting = ? ORDER BY j.series", sighting);

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
      .map((one) => table.end(one.id, "skipped", { reason: `replaced by revision ${revision + 1}` }));
    // What lies there now is not what was denoised: it is moved after its own job.
    run("UPDATE sightings SET move = 'replaced', move_error = NULL WHERE id = ? AND move = 'asked'", id);
    return { id: addSighting(folder, seen, revision + 1), revision: revision + 1, skipped };
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

  /** Skips the jobs that waited for a file to become whole. */
  const endWaiting = (folder: string, source: string, reason: string): Job[] =>
    transaction(() =>
      select("WHERE s.folder = ? AND s.source = ? AND j.waits_for = 'file'", folder, source).map((one) =>
        table.end(one.id, "skipped", { reason }),
      ),
    );

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
          table.put(folder, seen.source, sighting, {
            series,
            status: "queued",
            voxels,
            sampleBytes: totalVoxels === 0 ? 0 : (facts.sampleBytes * voxels) / totalVoxels,
          }),
        );
        // Read again: how many series there are stands only now.
        return {
          kind: "changed",
          jobs: [...sighting.skipped, ...admitted.map((one) => table.existing(one.id))],
        };
      }),

    /** A file is not whole yet: a waiting job that says why. */
    admitBroken: (folder: string, seen: SeenFile, error: ErrorReport): Admission =>
      transaction(() => {
        const known = alreadyKnown(folder, seen, false);
        if (known?.kind === "unchanged") return known;
        const sighting = sightingFor(folder, seen);
        const fields = { series: 0, status: "waiting", waitsFor: "file", reason: toDo(error) } as const;
        return {
          kind: "changed",
          jobs: [...sighting.skipped, table.put(folder, seen.source, sighting, fields)],
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
          jobs: [...sighting.skipped, table.put(folder, seen.source, sighting, fields)],
        };
      }),

    /** A file that had never become whole is gone. */
    gone: (folder: string, source: string): Job[] =>
      endWaiting(folder, source, "the file was removed before it was complete"),

    /** A file that may have waited for the rest of its set is part of the set that `first` is the job of. */
    partOf: (folder: string, source: string, first: string): Job[] =>
      endWaiting(folder, source, `the file is part of the set whose job is that of ${first}`),
  };
}

function toDo({ message, remedy }: ErrorReport): string {
  return remedy === undefined ? message : `${message}. ${remedy}`;
}

function identity(seen: SeenFile): [number, number, string, string] {
  return [seen.sizeBytes, seen.mtimeMs, seen.endsHash, JSON.stringify(seen.members)];
}
