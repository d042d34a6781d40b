import type { ErrorReport } from "../../core/errors.ts";
import { endStatuses } from "../../core/job-status.ts";
import { present } from "../../core/record.ts";
import type { WaitingSource } from "../intake/seen-files.ts";
import type { Sighting } from "../intake/sighting.ts";
import type { WholeFacts } from "../intake/structural-check.ts";
import type { Database, Row } from "./database.ts";
import type { Admission, Job } from "./job.ts";
import type { JobTable, SightingKey } from "./job-table.ts";
import { createKnownFiles, createSightingTable, isContentOf } from "./sighting-table.ts";
import { compareWhole, type WholeHashes } from "./whole-hashes.ts";

/** How files that came to rest become jobs: each content once. */

export interface WholeOptions {
  /** Of each file, where the ledger asked for them. */
  readonly wholeHashes?: WholeHashes;
  /** Done sources leave the folder. */
  readonly moves?: boolean;
}

interface AdmitOptions extends WholeOptions {
  /** Of a file that can be read. */
  readonly facts?: WholeFacts;
}

/** Whether a job ended in a way after which the same content may be tried again when it is delivered again. */
function isUndone({ status }: Job): boolean {
  return endStatuses.has(status) && status !== "done";
}

export function createAdmission(database: Database, table: JobTable, now: () => number) {
  const { rows, run, transaction } = database;
  const { select } = table;
  const sightings = createSightingTable(database);
  const knownFiles = createKnownFiles(database);

  const jobsOf = (sighting: number): Job[] => select("WHERE j.sighting = ? ORDER BY j.series", sighting);

  /**
   * The sighting that a file at rest belongs to: its latest while that one only waits for its file, else a new
   * revision. What still waited of the older one is skipped.
   */
  function sightingFor(folder: string, seen: Sighting): { id: number; revision: number; skipped: Job[] } {
    const before = sightings.latest(folder, seen.source);
    if (before === undefined) return { id: sightings.add(folder, seen, 1), revision: 1, skipped: [] };
    const id = Number(before["id"]);
    const revision = Number(before["revision"]);
    const open = jobsOf(id);
    if (open.length > 0 && open.every((one) => one.waitsFor === "file")) {
      sightings.overwrite(id, seen);
      run("DELETE FROM jobs WHERE sighting = ? AND series > 0", id);
      return { id, revision, skipped: [] };
    }
    const next = sightings.nextRevision(folder, seen.source);
    const newer = { id: sightings.add(folder, seen, next), revision: next };
    const skipped = open
      .filter((one) => one.status === "queued" || one.status === "waiting")
      .flatMap((one) => table.endReplaced(one.id) ?? []);
    // What lies there now is not what was denoised: it is moved after its own job.
    run("UPDATE sightings SET move = 'replaced', move_error = NULL WHERE id = ? AND move = 'asked'", id);
    return { ...newer, skipped };
  }

  /** One job for each series that a whole file has, but for those of `kept`. Answers their ids. */
  function queueSeries(
    folder: string,
    seen: Sighting,
    sighting: SightingKey,
    { voxels: ofSeries, sampleBytes }: WholeFacts,
    again: { readonly reason?: string; readonly kept?: ReadonlySet<number> } = {},
  ): string[] {
    const totalVoxels = ofSeries.reduce((sum, voxels) => sum + voxels, 0);
    const { reason, kept } = again;
    return ofSeries.flatMap((voxels, series) =>
      kept?.has(series)
        ? []
        : table.put(folder, seen.source, sighting, {
            series,
            status: "queued",
            ...present({ reason }),
            voxels,
            sampleBytes: totalVoxels === 0 ? 0 : (sampleBytes * voxels) / totalVoxels,
          }),
    );
  }

  /** Content that is known was delivered again: what did not end as done is queued, what is done may be moved. */
  function takeUpAgain(
    folder: string,
    seen: Sighting,
    before: Row,
    jobs: readonly Job[],
    { facts, wholeHashes, moves = false }: WholeOptions & { readonly facts: WholeFacts },
  ): Admission | undefined {
    const id = Number(before["id"]);
    if (jobs.some(isUndone)) {
      // A lost engine (parked) may have left a file under the job's name, which a later attempt replaces.
      for (const { id: job } of jobs.filter(isUndone)) {
        run("UPDATE jobs SET attempt = (status = 'parked'), not_before_ms = 0 WHERE id = ?", job);
      }
      const kept = new Set(jobs.flatMap((one) => (isUndone(one) ? [] : one.series)));
      const reason = "the same content was delivered again";
      const revision = Number(before["revision"]);
      const queued = queueSeries(folder, seen, { id, revision }, facts, { reason, kept });
      return { kind: "changed", jobs: queued.map(table.existing) };
    }
    if (!moves || before["move"] === "asked" || jobs.some(({ status }) => status !== "done")) {
      return { kind: "unchanged" };
    }
    const bytes = compareWhole(seen, jobs, wholeHashes);
    if (bytes === "unread") return touched(seen);
    if (bytes === "other") return undefined;
    run(
      `UPDATE sightings SET move = 'asked', move_attempts = 0, move_not_before_ms = 0, move_error = NULL,
         delivered_ms = ? WHERE id = ?`,
      now(),
      id,
    );
    return { kind: "unchanged" };
  }

  /** undefined where the ledger has to act; `facts` are of a file that can be read now. */
  function alreadyKnown(
    folder: string,
    seen: Sighting,
    { facts, ...options }: AdmitOptions,
    before: Row | undefined = sightings.latest(folder, seen.source),
  ): Admission | undefined {
    if (before === undefined) return undefined;
    const id = Number(before["id"]);
    const open = jobsOf(id);
    if (!isContentOf(before, seen) || open.some((one) => one.waitsFor === "file")) return undefined;
    if (before["mtime_ms"] !== seen.mtimeMs) {
      const bytes = compareWhole(seen, open, options.wholeHashes);
      if (bytes === "unread") return touched(seen);
      if (bytes !== "same") return undefined;
    }
    // If it was looked at again because of its time of status change, it is not to be because of the same one.
    sightings.overwrite(id, seen);
    if (facts === undefined) return { kind: "unchanged" };
    return takeUpAgain(folder, seen, before, open, { facts, ...options });
  }

  /**
   * The content of the revision before is there again, after a pause in its copy in which it was taken for new content that is
   * not whole yet: it is the latest again, and what waited ends.
   */
  function takeBack(folder: string, seen: Sighting, options: AdmitOptions): Admission | undefined {
    if (options.facts === undefined) return undefined;
    const paused = sightings.latest(folder, seen.source);
    const waiting = paused === undefined ? [] : jobsOf(Number(paused["id"]));
    if (paused === undefined || waiting.length === 0) return undefined;
    if (waiting.some((one) => one.waitsFor !== "file")) return undefined;
    const before = sightings.before(paused);
    const known = alreadyKnown(folder, seen, options, before);
    if (known === undefined || before === undefined || known.kind === "touched") return known;
    sightings.setAside(Number(paused["id"]));
    const reason = "the file has the same content as before it was copied again";
    const ended = waiting.map(({ id }) => table.end(id, "skipped", { reason }));
    return { kind: "changed", jobs: [...ended, ...(known.kind === "changed" ? known.jobs : [])] };
  }

  /**
   * One transaction. `put` makes the jobs of content that is not known, and answers their ids. The files as they are seen now
   * need no further look, unless all their bytes are to be compared first.
   */
  const admit = (
    folder: string,
    seen: Sighting,
    options: AdmitOptions,
    put: (sighting: SightingKey) => readonly string[],
  ): Admission =>
    transaction(() => {
      const known = alreadyKnown(folder, seen, options) ?? takeBack(folder, seen, options);
      if (known?.kind === "touched") return known;
      const fresh = known === undefined ? sightingFor(folder, seen) : undefined;
      const jobs = fresh === undefined ? [] : [...fresh.skipped, ...put(fresh).map(table.existing)];
      const sighting = sightings.latest(folder, seen.source)?.["id"];
      if (sighting !== undefined) knownFiles.remember(folder, Number(sighting), seen.members);
      return known ?? { kind: "changed", jobs };
    });

  /** Skips the jobs that waited for a file to become whole. */
  const endWaiting = (folder: string, source: string, reason: string): Job[] =>
    transaction(() =>
      select("WHERE s.folder = ? AND s.source = ? AND j.waits_for = 'file'", folder, source).map((one) =>
        table.end(one.id, "skipped", { reason }),
      ),
    );

  return {
    /** Sources whose jobs wait for their files to become whole, with the files by which they are known. */
    waitingFiles: (folder: string): WaitingSource[] =>
      rows(
        "SELECT source, members FROM sightings s WHERE folder = ? AND EXISTS (SELECT 1 FROM jobs WHERE sighting = s.id AND waits_for = 'file')",
        folder,
      ).map(({ source, members }) => ({
        source: String(source),
        members: JSON.parse(String(members)) as string[],
      })),

    knownFiles: knownFiles.list,

    /** A file is whole: one job for each of its series, unless this content is known. */
    admitWhole: (folder: string, seen: Sighting, facts: WholeFacts, options: WholeOptions = {}): Admission =>
      admit(folder, seen, { facts, ...options }, (sighting) => queueSeries(folder, seen, sighting, facts)),

    /** A file is not whole yet: a waiting job that says why, unless all its bytes are those that were denoised. */
    admitBroken: (
      folder: string,
      seen: Sighting,
      error: ErrorReport,
      options: WholeOptions = {},
    ): Admission =>
      admit(folder, seen, options, (sighting) => {
        const fields = { series: 0, status: "waiting", waitsFor: "file", reason: toDo(error) } as const;
        return [table.put(folder, seen.source, sighting, fields)];
      }),

    /** A file will never be read: a failed job with the remedy. */
    admitRefused: (
      folder: string,
      seen: Sighting,
      error: ErrorReport,
      options: WholeOptions = {},
    ): Admission =>
      admit(folder, seen, options, (sighting) => [
        table.put(folder, seen.source, sighting, { series: 0, status: "failed", error }),
      ]),

    /** A file that had never become whole is gone. */
    gone: (folder: string, source: string): Job[] =>
      endWaiting(folder, source, "the file left the folder before it was seen complete"),

    /** A file that may have waited for the rest of its set is part of the set that `first` is the job of. */
    partOf: (folder: string, source: string, first: string): Job[] =>
      endWaiting(folder, source, `the file is part of the set whose job is that of ${first}`),
  };
}

function toDo({ message, remedy }: ErrorReport): string {
  return remedy === undefined ? message : `${message}. ${remedy}`;
}

function touched({ members }: Sighting): Admission {
  return { kind: "touched", sources: members.map(({ source }) => source) };
}
