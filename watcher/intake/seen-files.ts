import { type BackoffRule, doubledMs } from "../../core/backoff.ts";
import type { ErrorReport } from "../../core/errors.ts";
import { withoutOwnName } from "../../core/own-name.ts";
import { changedSince, longestGapMs, quietMsOf, type WholeOnce } from "./growth.ts";
import { nextLookMs, observe, type QuietRule, unrest, type Watched } from "./settle.ts";
import { type FileLook, looksAlike, type SeenMember, type SparseHashes } from "./sighting.ts";
import type { Listed } from "./sweep.ts";

/** What is known of each file of a folder: that its content was told, or for how long it waits to be judged. */

/** A file whose present content the ledger already holds. */
export interface KnownFile {
  readonly source: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** Undefined where an earlier version noted it. */
  readonly ctimeMs?: number;
  /** Of a file of a set: where another one of them changes, this one is not hashed again. */
  readonly hashes?: SparseHashes;
}

/** A file that waits to be judged. */
export interface Candidate {
  watched: Watched;
  /** Why it is not whole. */
  error?: ErrorReport;
  told?: ToldReason;
  /** Milliseconds of the scan's clock. */
  checkAfterMs: number;
  /** Of one whose structure was whole and which has changed since. */
  changed?: WholeOnce | undefined;
  /** As it looks now it was judged once because its writer had ended. */
  wasTriedSoon?: boolean;
  /** The file of its set that is not yet at rest. */
  waitsFor?: string | undefined;
  /** The file that tells of the acquisition to which this one belongs; it may not be there yet. */
  follows?: string;
  /** The file that describes its set, as long as it looks as it did then. */
  part?: { readonly look: FileLook; readonly describer: string };
}

export type SeenFiles = ReturnType<typeof createSeenFiles>;

/** A source of which an earlier process told that it waits. */
export interface WaitingSource {
  readonly source: string;
  /** Files by which it was known: others where the file that is waited for is not there. */
  readonly members: readonly string[];
}

/** `waiting` are told once where they have gone since. */
export function createSeenFiles(
  rule: QuietRule,
  known: readonly KnownFile[],
  waiting: readonly WaitingSource[],
) {
  const toldBefore = new Map(waiting.map(({ source, members }) => [source, members]));
  const settled = new Map<string, Omit<KnownFile, "source" | "hashes">>();
  /** Hashes of files that wait and of files of sets, which hold as long as a file looks as it did then. */
  const hashed = new Map<string, { readonly look: FileLook; readonly hashes: SparseHashes }>();
  for (const { source, hashes, ...facts } of known) {
    settled.set(source, facts);
    const { ctimeMs } = facts;
    if (hashes !== undefined && ctimeMs !== undefined)
      hashed.set(source, { look: { ...facts, ctimeMs }, hashes });
  }
  const candidates = new Map<string, Candidate>();
  /** Files whose structure was whole not long ago. */
  const wholes = new Map<string, WholeOnce>();
  /** What the last listing showed. */
  let present: ReadonlyMap<string, Listed> = new Map();

  function isSettled(file: Listed): boolean {
    const same = settled.get(file.source);
    if (same?.sizeBytes !== file.sizeBytes || same.mtimeMs !== file.mtimeMs) return false;
    // No program can set it: a file with another one was delivered again, or changed where nothing else shows it.
    return same.ctimeMs === undefined || same.ctimeMs === file.ctimeMs;
  }

  /** Those that vanished of which it was told that they wait; not those in subfolders that could not be looked into. */
  function forgetVanished(unseen: readonly string[]): readonly string[] {
    const mayBeThere = (source: string): boolean =>
      present.has(source) || unseen.some((folder) => source.startsWith(folder));
    const gone = [...toldBefore].flatMap(([source, members]) =>
      [source, ...members].some(mayBeThere) ? [] : source,
    );
    for (const source of gone) toldBefore.delete(source);
    for (const [source, candidate] of candidates) {
      if (mayBeThere(source)) continue;
      candidates.delete(source);
      if (candidate.error !== undefined && candidate.follows === undefined) gone.push(source);
    }
    // A file that comes back under an old name is judged anew; the ledger knows whether it is the same.
    for (const source of settled.keys()) if (!mayBeThere(source)) settled.delete(source);
    for (const source of hashed.keys()) if (!mayBeThere(source)) hashed.delete(source);
    for (const source of wholes.keys()) if (!mayBeThere(source)) wholes.delete(source);
    return gone;
  }

  /** A file looks otherwise than before. */
  function followChange(source: string, inode: number, watched: Watched): WholeOnce | undefined {
    const before = wholes.get(source);
    const changed = before && changedSince(before, { inode, watched });
    if (changed === undefined) wholes.delete(source);
    else wholes.set(source, changed);
    return changed;
  }

  function forgetWholes(atMs: number): void {
    for (const [source, { changedMs }] of wholes) {
      if (atMs - changedMs > longestGapMs && !candidates.has(source)) wholes.delete(source);
    }
  }

  const ruleOf = ({ changed }: Candidate): QuietRule =>
    changed === undefined ? rule : { ...rule, quietMs: quietMsOf(changed, rule.quietMs) };

  const lookAt = (file: Listed, before: Watched | undefined, atMs: number): Watched =>
    observe(before, { atMs, sizeBytes: file.sizeBytes, mtimeMs: file.mtimeMs });

  return {
    /** Takes in a new listing. Answers the files that vanished of which it was told that they wait. */
    relist: (listed: readonly Listed[], unseen: readonly string[], atMs: number): readonly string[] => {
      for (const file of listed) {
        if (isSettled(file)) continue;
        // Of what was done the target is gone, as when raw data was archived: nothing is wrong.
        if (settled.has(file.source) && file.verdict.kind === "dangling") continue;
        settled.delete(file.source);
        const before = candidates.get(file.source);
        const watched = lookAt(file, before?.watched, atMs);
        if (before !== undefined && watched.looks > 1) {
          candidates.set(file.source, { ...before, watched });
          continue;
        }
        const changed = followChange(file.source, file.inode, watched);
        candidates.set(file.source, { ...before, watched, changed, wasTriedSoon: false, checkAfterMs: 0 });
      }
      forgetWholes(atMs);
      present = new Map(listed.map((file) => [file.source, file]));
      return forgetVanished(unseen);
    },
    /** Whether an earlier process told that the file waits. From now on it does not. */
    endToldBefore: (source: string): boolean => toldBefore.delete(source),
    listed: (source: string): Listed | undefined => present.get(source),
    waiting: (source: string): Candidate | undefined => candidates.get(source),
    isAtRest: (candidate: Candidate): boolean => unrest(candidate.watched, ruleOf(candidate)) === undefined,
    /** Its structure is whole. */
    sawWhole: ({ source, inode }: Listed, { watched }: Candidate): void => {
      const { sizeBytes, sinceMs: changedMs } = watched;
      if (!wholes.has(source)) wholes.set(source, { inode, sizeBytes, changedMs, gapMs: 0 });
    },
    /** As `nextLookMs`, for the one of those that wait that needs the first look. */
    nextLookMs: (): number | undefined => {
      let soonestMs: number | undefined;
      for (const candidate of candidates.values()) {
        const lookMs = nextLookMs(candidate.watched, ruleOf(candidate));
        if (lookMs !== undefined) soonestMs = Math.min(soonestMs ?? lookMs, lookMs);
      }
      return soonestMs;
    },
    /** Its content was told. */
    settle: ({ source, sizeBytes, mtimeMs, ctimeMs }: Listed, isOfSet: boolean): void => {
      candidates.delete(source);
      settled.set(source, { sizeBytes, mtimeMs, ctimeMs });
      if (!isOfSet) hashed.delete(source);
    },
    hashed: ({ source, look, hashes }: SeenMember, isOfSet: boolean): void => {
      if (isOfSet || candidates.has(source)) hashed.set(source, { look, hashes });
    },
    /** Of a file that looks as it did when it was hashed. */
    hashesOf: (source: string, look: FileLook): SparseHashes | undefined => {
      const before = hashed.get(source);
      return before !== undefined && looksAlike(before.look, look) ? before.hashes : undefined;
    },
    /** The file is judged again, once it is at rest. */
    unsettle: (file: Listed, atMs: number): void => {
      settled.delete(file.source);
      candidates.set(file.source, { watched: lookAt(file, undefined, atMs), checkAfterMs: 0 });
    },
    /** How many are not judged yet, with the reason of the one that has waited longest. */
    unsettled: (): { unsettled: number; oldestReason: string | undefined } => {
      let oldest: { sinceMs: number; reason: string } | undefined;
      for (const [source, candidate] of candidates) {
        const { watched, error, waitsFor, follows } = candidate;
        // The file that it follows tells why it waits.
        if (follows !== undefined && candidates.has(follows)) continue;
        const set = waitsFor === undefined ? undefined : `${waitsFor}, a file of its set, is not at rest yet`;
        const why = error?.message ?? unrest(watched, ruleOf(candidate)) ?? set ?? "about to be checked";
        const name = follows ?? source;
        const reason = `${name}: ${withoutOwnName(why, name)}`;
        if (oldest === undefined || watched.sinceMs < oldest.sinceMs)
          oldest = { sinceMs: watched.sinceMs, reason };
      }
      return { unsettled: candidates.size, oldestReason: oldest?.reason };
    },
  };
}

/** The reason for which a file waits, as it was told last. Pure. */
export interface ToldReason {
  readonly code: string;
  readonly message: string;
  /** How often a reason of this kind was told. */
  readonly times: number;
  /** Milliseconds of the scan's clock. */
  readonly atMs: number;
}

/**
 * What is told now; undefined where nothing is. The files of a set that comes for hours wait for another one of them each time:
 * reasons of one kind are told after pauses that double.
 */
export function toldNow(
  before: ToldReason | undefined,
  { code, message }: ErrorReport,
  atMs: number,
  pauses: BackoffRule,
): ToldReason | undefined {
  if (before?.code !== code) return { code, message, times: 1, atMs };
  if (before.message === message || atMs - before.atMs < doubledMs(pauses, before.times - 1))
    return undefined;
  return { code, message, times: before.times + 1, atMs };
}
