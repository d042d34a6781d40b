import { join, relative, sep } from "node:path";
import { isAbsent } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { isCompanion } from "../../formats/image-name.ts";
import type { FilePattern } from "../../formats/numbered/file-pattern.ts";
import type { Finding } from "./finding.ts";
import { createAwaitingJudge, undescribed } from "./judge-awaiting.ts";
import { createBrokenJudge } from "./judge-broken.ts";
import { createNumberedJudge } from "./judge-numbered.ts";
import { createSoonJudge } from "./judge-soon.ts";
import { createJudgedSets, inNameOf, type JudgedSet, tellerOf } from "./judged-sets.ts";
import { createNumberedSets, type NumberedSet } from "./numbered-sets.ts";
import { type Candidate, createSeenFiles, type KnownFile, type WaitingSource } from "./seen-files.ts";
import { type QuietRule, quietForMs } from "./settle.ts";
import { looksAlike, type Sighting, seeMembers, sightingOf } from "./sighting.ts";
import { checkStructure, type OpenFile, type WholeFacts, zeroTailed } from "./structural-check.ts";
import { type BlindSpots, type Listed, listedFault, type SweepOptions, sweep } from "./sweep.ts";
import type { WrittenEnds } from "./written-files.ts";

export interface ScanSettings extends QuietRule, SweepOptions {
  readonly folder: string;
  readonly zeroTailMs: number;
  readonly brokenMs: number;
  /** How the files of acquisitions of many files are named. */
  readonly pattern?: FilePattern | undefined;
  /** An acquisition by names whose sizes are not known is whole when no file of it came or changed for so long. */
  readonly setQuietMs: number;
  readonly open: OpenFile;
  /** undefined where nothing tells when a writer ends: files then have to be quiet. */
  readonly writtenEnds?: WrittenEnds | undefined;
  /** Called after each listing. Throws where the folder is not there: what the listing lacks has not left it then. */
  readonly checkFolder: () => Promise<void>;
  /** Hears what came to rest, one finding at a time. False: its files are others by now, and are to be judged again. */
  readonly tell: (finding: Finding) => Promise<boolean>;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** How things stand after a sweep. */
export interface ScanSummary {
  /** Not yet at rest, with the reason of the one that has waited longest. */
  readonly unsettled: number;
  readonly oldestReason: string | undefined;
  readonly blind: BlindSpots | undefined;
}

/** A broken file that does not change is looked at again after this: members of its set may have come. */
const recheckMs = 10_000;
/** What is missing of a set is told anew after this at the latest. */
const longestRetellMs = 10 * 60_000;

/**
 * One folder's memory between sweeps: which files were seen and how long they have been at rest. `known` is what
 * the ledger holds, so that a restart looks only at what is new.
 */
export function createScan(
  settings: ScanSettings,
  known: readonly KnownFile[],
  waiting: readonly WaitingSource[],
) {
  const { tell } = settings;
  const files = createSeenFiles(settings, known, waiting);
  const numbered = settings.pattern && createNumberedSets(settings.pattern);
  const recheckAfterMs = Math.min(recheckMs, settings.brokenMs / 4);
  const pauses = { firstMs: recheckAfterMs, longestMs: longestRetellMs };
  const awaiting = createAwaitingJudge({ ...settings, pauses, files, see });
  const sets = createJudgedSets(
    {
      path: settings.folder,
      lookOf: files.listed,
      waitOf: (source) => {
        const candidate = files.waiting(source);
        return candidate && { quietMs: quietForMs(candidate.watched), isAtRest: files.isAtRest(candidate) };
      },
    },
    recheckAfterMs,
  );

  const judgeBroken = createBrokenJudge({ ...settings, pauses, files, see });

  const judgeNumbered = createNumberedJudge({
    now: settings.now,
    setQuietMs: settings.setQuietMs,
    files,
    sets,
    tellPart: (source, of) => tell({ kind: "part", source, of }),
    readSet,
    judgeSet,
  });

  const { endedFiles, judgeSoon } = createSoonJudge({
    ...settings,
    files,
    sets,
    isOfMany: (source) => numbered?.of(source) !== undefined,
    readSet,
    tellWhole,
  });

  /** Looks once at the whole folder and tells what came to rest. */
  async function look(): Promise<ScanSummary> {
    const options = { ...settings, ...present({ onFolder: settings.writtenEnds?.follow }) };
    const { files: listed, blind, unseen } = await sweep(settings.folder, options);
    await settings.checkFolder();
    const gone = files.relist(listed, unseen, settings.now());
    sets.relisted();
    for (const first of numbered?.relist(listed, settings.now()) ?? []) checkNow(first);
    for (const source of new Set([...gone, ...awaiting.gone()])) await tell({ kind: "gone", source });
    const ended = await endedFiles(listed);
    for (const file of listed) {
      const candidate = files.waiting(file.source);
      const end = ended.get(file.source);
      if (candidate === undefined || settings.now() < candidate.checkAfterMs) continue;
      if (files.isAtRest(candidate)) await judge(file, candidate);
      else if (end !== undefined) await judgeSoon(file, candidate, end);
      else continue;
      settings.onStep?.();
    }
    sets.keepWaiting();
    return { ...files.unsettled(), blind };
  }

  async function judge(file: Listed, candidate: Candidate): Promise<void> {
    const { source } = file;
    let quietMs = quietForMs(candidate.watched);
    let judged: JudgedSet | undefined;
    try {
      const fault = listedFault(file);
      if (fault !== undefined) throw fault;
      const byName = numbered?.of(source);
      if (byName !== undefined) {
        quietMs = settings.now() - byName.sinceMs;
        return await judgeNumbered(file, candidate, byName);
      }
      const set =
        (await sets.held(source, settings.now())) ?? describerBefore(file) ?? (await readSet(source));
      if (typeof set === "string") {
        candidate.part = { look: file, describer: set };
        await judgePart(file, candidate, set);
      } else if (await isPart(source, set)) await tellPart(file, set.members[0] ?? source);
      else {
        // The files that are parts of it wait no more, and may have come a moment ago.
        const unchangedMs = settings.now() - (set.changedMs ?? Number.NEGATIVE_INFINITY);
        quietMs = Math.min(sets.restOf(set).quietMs, unchangedMs);
        judged = set;
        if (!(await awaiting.inSet(file, candidate, set, quietMs))) await judgeSet(file, candidate, set);
      }
    } catch (error) {
      if (!(await judgeBroken(file, candidate, error, quietMs))) return;
      const byName = numbered?.of(source);
      if (byName !== undefined) byName.told = true;
      if (judged !== undefined && tellerOf(judged) === source) judged.refused = true;
    }
  }

  const describerBefore = (file: Listed): string | undefined => {
    const part = files.waiting(file.source)?.part;
    return part !== undefined && looksAlike(part.look, file) ? part.describer : undefined;
  };

  const check = (source: string, byName?: NumberedSet) =>
    checkStructure(join(settings.folder, source), settings.open, {
      onStep: settings.onStep,
      pattern: byName && settings.pattern && { ...settings.pattern, files: byName.members.map(pathOf) },
    });

  /** Reads a file and all of the set that it describes. Where another file describes its set, answers that file's name. */
  async function readSet(source: string, byName?: NumberedSet): Promise<JudgedSet | string> {
    const readMs = settings.now();
    const checked = await check(source, byName);
    if ("describedBy" in checked) return sourceOf(checked.describedBy);
    const { files: paths, found } = checked;
    const only = isCompanion(source) ? { othersAreParts: true } : {};
    const set = sets.remember({ readFrom: source, members: paths.map(sourceOf), found, readMs, ...only });
    // They may have waited for what came now.
    if ("facts" in found) for (const member of set.members) checkNow(member);
    return set;
  }

  function checkNow(source: string): void {
    const candidate = files.waiting(source);
    if (candidate !== undefined) candidate.checkAfterMs = 0;
  }

  /** Whether a set that is not whole is told by its first file alone. One of the others is read for this, once. */
  async function isPart(source: string, set: JudgedSet): Promise<boolean> {
    if ("facts" in set.found || source === set.members[0]) return false;
    if (set.othersAreParts === undefined && source !== set.readFrom) {
      const checked = await check(source);
      set.othersAreParts = "describedBy" in checked && sourceOf(checked.describedBy) === set.members[0];
    }
    return set.othersAreParts === true;
  }

  /** `describer` describes the set of the file, and tells of it; where it is missing, the file alone is not the image. */
  async function judgePart(file: Listed, candidate: Candidate, describer: string): Promise<void> {
    const listed = files.listed(describer);
    if (listed === undefined) {
      if (await awaiting.withoutDescription(file, candidate, describer)) return;
      throw undescribed(describer, file.source);
    }
    await tellPart(file, describer);
    const waiting = files.waiting(describer);
    if (waiting !== undefined && !files.isAtRest(waiting)) return;
    if (isCompanion(describer)) {
      sets.forgetWithout(describer, file.source);
      return waiting === undefined ? files.unsettle(listed, settings.now()) : checkNow(describer);
    }
    const set =
      (await sets.held(describer, settings.now())) ??
      // Why it cannot be read is told when it is judged itself.
      (await readSet(describer).catch(() => undefined));
    if (set === undefined || typeof set === "string") return;
    set.othersAreParts = true;
    // What was done with it was done with another file in this place.
    if (waiting === undefined && "facts" in set.found) files.unsettle(listed, settings.now());
  }

  async function judgeSet(file: Listed, candidate: Candidate, set: JudgedSet): Promise<void> {
    const { found, members } = set;
    if ("refusal" in found) throw inNameOf(file.source, set.readFrom, found.refusal);
    const { waitsFor, quietMs } = sets.restOf(set);
    candidate.waitsFor = waitsFor;
    if (waitsFor !== undefined) return;
    if (members.length === 1) files.sawWhole(file, candidate);
    if (found.zeros && quietMs < settings.zeroTailMs) throw zeroTailed(file.source);
    const [first = file.source] = members;
    // A set is told as whole once, by its first file; by another where that one waits no more.
    const tells = first === file.source || files.waiting(first) === undefined;
    if (tells && !(await tellWhole(set, found.facts))) return;
    if (first === file.source) files.settle(file, members.length > 1);
    else await tellPart(file, first);
  }

  /** false where its files are not those that were read: the next sweep sees what they are now. */
  async function tellWhole(set: JudgedSet, facts: WholeFacts): Promise<boolean> {
    if (set.told) return true;
    const sighting = await see(set.members);
    set.told = sighting !== undefined && (await tell({ kind: "whole", sighting, facts }));
    if (!set.told) sets.forget(set);
    return set.told;
  }

  async function tellPart(file: Listed, of: string): Promise<void> {
    await awaiting.found(file.source, of);
    await tell({ kind: "part", source: file.source, of });
    files.settle(file, true);
  }

  /** undefined where one of the files vanished or changed since it was listed. */
  async function see(members: readonly string[]): Promise<Sighting | undefined> {
    try {
      const seen = await seeMembers(settings.folder, members, files.hashesOf, settings.onStep);
      for (const member of seen) {
        files.hashed(member, seen.length > 1);
        const { source, look } = member;
        const { sizeBytes, mtimeMs } = files.listed(source) ?? look;
        if (sizeBytes !== look.sizeBytes || mtimeMs !== look.mtimeMs) return undefined;
      }
      return sightingOf(seen);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  const pathOf = (source: string): string => join(settings.folder, source);

  function sourceOf(path: string): string {
    return relative(settings.folder, path).split(sep).join("/");
  }

  return { look, nextLookMs: files.nextLookMs };
}
