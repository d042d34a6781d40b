import { join, relative, sep } from "node:path";
import { type ErrorReport, formatError, isEdgeError, reportOf } from "../../core/errors.ts";
import { withoutOwnName } from "../../core/own-name.ts";
import { isAbsent } from "../../core/system-code.ts";
import { listedFault } from "./listed-fault.ts";
import { fileNotReadable, isNotPermitted } from "./not-permitted.ts";
import { seeMembers } from "./see-members.ts";
import { observe, type QuietRule, quietForMs, unrest, type Watched } from "./settle.ts";
import type { Sighting } from "./sighting.ts";
import { checkWhole, type OpenFile, type WholeFile } from "./structural-check.ts";
import { type BlindSpots, type Listed, type SweepOptions, sweep } from "./sweep.ts";

/** What the scan tells about a file that came to rest. */
export type Finding =
  | {
      readonly kind: "whole";
      readonly sighting: Sighting;
      readonly facts: Omit<WholeFile, "files" | "describedBy" | "zeroTail">;
    }
  /** It may still become whole: waits. */
  | { readonly kind: "broken"; readonly sighting: Sighting; readonly error: ErrorReport }
  /** It was broken for too long, or nothing can make it readable. */
  | { readonly kind: "refused"; readonly sighting: Sighting; readonly error: ErrorReport }
  /** It belongs to the set of which `of` is the first file, and may have been told of before as broken. */
  | { readonly kind: "part"; readonly source: string; readonly of: string }
  /** It is not there any more, and was told of before. */
  | { readonly kind: "gone"; readonly source: string };

/** A file whose present content the ledger already holds. */
export interface KnownFile {
  readonly source: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** Given where the same size and time of change with another time of status change is to be looked at again. */
  readonly ctimeMs?: number;
}

export interface ScanSettings extends QuietRule, SweepOptions {
  readonly folder: string;
  readonly zeroTailMs: number;
  readonly brokenMs: number;
  readonly open: OpenFile;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** How things stand after a sweep. */
export interface ScanSummary {
  readonly files: number;
  /** Not yet at rest, with the reason of the one that has waited longest. */
  readonly unsettled: number;
  readonly oldestReason: string | undefined;
  readonly blind: BlindSpots | undefined;
}

interface Candidate {
  watched: Watched;
  /** Why it is not whole, once that was told. */
  error?: ErrorReport;
  checkAfterMs: number;
}

/** A broken file that does not change is looked at again after this: members of its set may have come. */
const recheckMs = 10_000;

/**
 * One folder's memory between sweeps: which files were seen and how long they have been at rest. `known` is what
 * the ledger holds, so that a restart looks only at what is new.
 */
export function createScan(settings: ScanSettings, known: readonly KnownFile[], waiting: readonly string[]) {
  /** Told before, by an earlier process: it is told once where it has gone since. */
  const toldBefore = new Set(waiting);
  const settled = new Map<string, Omit<KnownFile, "source">>(
    known.map(({ source, ...facts }) => [source, facts]),
  );
  /** Sources that are looked at again when their time of status change is another: single files, and sets that ended. */
  const heedsCtime = new Set(known.flatMap(({ source, ctimeMs }) => (ctimeMs === undefined ? [] : [source])));

  function isSettled(file: Listed): boolean {
    const same = settled.get(file.source);
    if (same?.sizeBytes !== file.sizeBytes || same.mtimeMs !== file.mtimeMs) return false;
    return !heedsCtime.has(file.source) || same.ctimeMs === undefined || same.ctimeMs === file.ctimeMs;
  }
  const candidates = new Map<string, Candidate>();
  /** What the last listing showed. */
  let present: ReadonlySet<string> = new Set();

  /** Looks once at the whole folder and tells what came to rest, one finding at a time. */
  async function look(tell: (finding: Finding) => Promise<void>): Promise<ScanSummary> {
    const { files: listed, blind } = await sweep(settings.folder, settings);
    const atMs = settings.now();
    for (const file of listed) {
      if (isSettled(file)) continue;
      // Of what was done the target is gone, as when raw data was archived: nothing is wrong.
      if (settled.has(file.source) && file.verdict.kind === "dangling") continue;
      settled.delete(file.source);
      const before = candidates.get(file.source);
      const watched = observe(before?.watched, { atMs, sizeBytes: file.sizeBytes, mtimeMs: file.mtimeMs });
      const fresh = before === undefined || watched.looks === 1;
      candidates.set(file.source, fresh ? { ...before, watched, checkAfterMs: 0 } : { ...before, watched });
    }
    present = new Set(listed.map((file) => file.source));
    await forgetVanished(tell);
    for (const file of listed) {
      const candidate = candidates.get(file.source);
      if (candidate === undefined || unrest(candidate.watched, settings) !== undefined) continue;
      if (settings.now() < candidate.checkAfterMs) continue;
      await judge(file, candidate, tell);
      settings.onStep?.();
    }
    return summary(listed.length, blind);
  }

  async function forgetVanished(tell: (finding: Finding) => Promise<void>): Promise<void> {
    for (const source of toldBefore) {
      if (present.has(source)) continue;
      toldBefore.delete(source);
      await tell({ kind: "gone", source });
    }
    for (const [source, candidate] of candidates) {
      if (present.has(source)) continue;
      candidates.delete(source);
      if (candidate.error !== undefined) await tell({ kind: "gone", source });
    }
    // A file that comes back under an old name is judged anew; the ledger knows whether it is the same.
    for (const source of settled.keys()) if (!present.has(source)) settled.delete(source);
  }

  async function judge(
    file: Listed,
    candidate: Candidate,
    tell: (finding: Finding) => Promise<void>,
  ): Promise<void> {
    const path = join(settings.folder, file.source);
    const sightingOf = async (members: readonly string[]): Promise<Sighting> =>
      seeMembers(settings.folder, members, settings.onStep);
    const fault = listedFault(file);
    if (fault !== undefined && !canBeRead(file)) {
      await judgeBroken(file, candidate, unread(file), fault, tell);
      return;
    }
    try {
      if (fault !== undefined) throw fault;
      const { files, describedBy, zeroTail, ...facts } = await checkWhole(path, settings.open);
      if (describedBy !== undefined) {
        await judgePart(file, describedBy, tell);
        return;
      }
      if (zeroTail && quietForMs(candidate.watched) < settings.zeroTailMs) throw zeroTailed(file.source);
      const all = files.map(sourceOf);
      // A set is told as whole once, by its first member. The others may have waited for it, also before a restart.
      const sighting = await sightingOf(all);
      if (changedSince(sighting, all, file)) return;
      if (sighting.source === file.source) await tell({ kind: "whole", sighting, facts });
      else await tell({ kind: "part", source: file.source, of: sighting.source });
      settle(file, all.length === 1);
    } catch (error) {
      const sighting = await sightingOf([file.source]).catch((unreadable: unknown) =>
        isAbsent(unreadable) ? undefined : unread(file),
      );
      await judgeBroken(file, candidate, sighting, error, tell);
    }
  }

  /** The set is told as whole by the file that describes it; where that is missing, this one alone is not the image. */
  async function judgePart(
    file: Listed,
    describedBy: string,
    tell: (finding: Finding) => Promise<void>,
  ): Promise<void> {
    const of = sourceOf(describedBy);
    if (!present.has(of)) throw withoutDescription(file.source, of);
    await tell({ kind: "part", source: file.source, of });
    settle(file, false);
  }

  function sourceOf(path: string): string {
    return relative(settings.folder, path).split(sep).join("/");
  }

  async function judgeBroken(
    file: Listed,
    candidate: Candidate,
    sighting: Sighting | undefined,
    error: unknown,
    tell: (finding: Finding) => Promise<void>,
  ): Promise<void> {
    // It vanished or changed while we looked: the next sweep sees what it is now.
    if (sighting === undefined || changedSince(sighting, [file.source], file)) return;
    // Nothing about the file shows when its rights are mended, so it waits and is tried again and again.
    const denied = isNotPermitted(error);
    const report = reportOf(denied ? fileNotReadable(file.source, error) : error);
    const hopeless = isEdgeError(error) && error.kind === "unsupported";
    if (!denied && (hopeless || quietForMs(candidate.watched) >= settings.brokenMs)) {
      await tell({ kind: "refused", sighting, error: report });
      settle(file, true);
      return;
    }
    candidate.checkAfterMs = settings.now() + Math.min(recheckMs, settings.brokenMs / 4);
    if (candidate.error?.message === report.message) return;
    candidate.error = report;
    await tell({ kind: "broken", sighting, error: report });
  }

  function settle(file: Listed, single: boolean): void {
    candidates.delete(file.source);
    const { sizeBytes, mtimeMs, ctimeMs } = file;
    settled.set(file.source, { sizeBytes, mtimeMs, ctimeMs });
    if (single) heedsCtime.add(file.source);
  }

  function summary(files: number, blind: BlindSpots | undefined): ScanSummary {
    let oldest: { sinceMs: number; reason: string } | undefined;
    for (const [source, { watched, error }] of candidates) {
      const why = error?.message ?? unrest(watched, settings) ?? "about to be checked";
      const reason = `${source}: ${withoutOwnName(why, source)}`;
      if (oldest === undefined || watched.sinceMs < oldest.sinceMs)
        oldest = { sinceMs: watched.sinceMs, reason };
    }
    return { files, unsettled: candidates.size, oldestReason: oldest?.reason, blind };
  }

  return {
    look,
    /** The jobs of these sources ended, and their content may come again: not as done, or they were moved away. */
    ended: (sources: readonly string[]): void => {
      for (const source of sources) heedsCtime.add(source);
    },
  };
}

/** Whether there are bytes that tell one content from another. */
function canBeRead({ verdict }: Listed): boolean {
  return verdict.kind === "image" || verdict.kind === "unsupported";
}

/** A file of which only the listing could be had. */
function unread({ source, sizeBytes, mtimeMs, ctimeMs }: Listed): Sighting {
  return { source, sizeBytes, mtimeMs, ctimeMs, endsHash: "unread", middleHash: "unread", members: [source] };
}

/** Only a single file can be compared with its listing; a set's members are each listed for themselves. */
function changedSince(sighting: Sighting, members: readonly string[], file: Listed): boolean {
  if (members.length > 1) return false;
  return sighting.sizeBytes !== file.sizeBytes || sighting.mtimeMs !== file.mtimeMs;
}

function withoutDescription(file: string, describedBy: string) {
  return formatError(
    "the file is one plane or more of a set, and the file that describes the set is missing",
    {
      code: "set-undescribed",
      file,
      found: `no ${describedBy}`,
      remedy: "Copy the whole set into this folder",
    },
  );
}

function zeroTailed(file: string) {
  return formatError("its last rows hold only zeros; the space may be reserved and not yet written", {
    code: "file-zero-tail",
    file,
    remedy: "Wait; a really dark image is taken after settle.zero_tail_s without a change",
  });
}
