import type { BigIntStats } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { type EdgeError, machineError } from "../../core/errors.ts";
import type { OpenWriters } from "./open-writers.ts";

/** Whether a source may leave the watch folder now. Pure; what it judges is measured by `move-source.ts`. */

/** One file of the acquisition, as lstat(2) told of it. */
export interface MemberFacts {
  /** Absolute. */
  readonly path: string;
  readonly facts: BigIntStats;
}

/** What the ledger says of the content that was denoised. */
export interface Denoised {
  /** Of all members together. */
  readonly sizeBytes: number;
  /** The newest member's. */
  readonly mtimeMs: number;
  /** For how long it has looked like that, by this machine's clock. */
  readonly quietForMs: number;
}

export interface MoveQuestion {
  readonly members: readonly MemberFacts[];
  /** undefined where members of the set are gone already, so that the sums say nothing. */
  readonly denoised: Denoised | undefined;
  /** The same members as the move began. */
  readonly before?: readonly MemberFacts[];
  /** Whether they were given another name since, which changes their ctime. */
  readonly renamed?: boolean;
  readonly open: Omit<OpenWriters, "files">;
  readonly quietMs: number;
}

/**
 * Where some process's open files cannot be seen (another user's, such as a Samba server's), the source must have been
 * unchanged for so many times the usual quiet time.
 */
export const quietFactorUnseen = 10;

/** Why the source has to stay where it is, or undefined where it may go. */
export function objectionToMove(question: MoveQuestion): EdgeError | undefined {
  const { members, denoised, open, quietMs } = question;
  const file = members[0]?.path ?? "";
  const special = members.find(({ facts }) => !facts.isFile());
  if (special !== undefined) return isNoFile(special.path);
  if (open.writers.length > 0) return isOpen(file, open.writers);
  if (denoised !== undefined) {
    if (!looksAs(members, denoised)) return hasChanged(file);
    if (open.unseen !== 0 && denoised.quietForMs < quietFactorUnseen * quietMs) return notQuiet(file);
  }
  const { before, renamed = false } = question;
  if (before !== undefined && !areTheSame(before, members, renamed)) return hasChanged(file);
  return undefined;
}

function looksAs(members: readonly MemberFacts[], denoised: Denoised): boolean {
  const sizeBytes = members.reduce((sum, { facts }) => sum + Number(facts.size), 0);
  const mtimeMs = Math.max(...members.map(({ facts }) => mtimeMsOf(facts)));
  return sizeBytes === denoised.sizeBytes && mtimeMs === denoised.mtimeMs;
}

function areTheSame(before: readonly MemberFacts[], now: readonly MemberFacts[], renamed: boolean): boolean {
  const lookOf = ({ facts: { dev, ino, size, mtimeNs, ctimeNs } }: MemberFacts): bigint[] =>
    renamed ? [dev, ino, size, mtimeNs] : [dev, ino, size, mtimeNs, ctimeNs];
  return isDeepStrictEqual(before.map(lookOf), now.map(lookOf));
}

/** As `Stats.mtimeMs` has it: a double, with fractions. `BigIntStats.mtimeMs` is cut to whole milliseconds. */
export function mtimeMsOf({ mtimeNs }: Pick<BigIntStats, "mtimeNs">): number {
  const perSecond = 1_000_000_000n;
  // Before 1970 the seconds are negative; the fraction counts upwards there too.
  const fractionNs = ((mtimeNs % perSecond) + perSecond) % perSecond;
  return Number((mtimeNs - fractionNs) / perSecond) * 1000 + Number(fractionNs) / 1e6;
}

function isOpen(file: string, writers: readonly string[]) {
  return machineError("the source is open for writing and stays where it is", {
    code: "move-open",
    file,
    found: writers.slice(0, 3).join(", "),
    remedy: "Close the file in that program; the daemon tries the move again by itself",
    retryable: true,
  });
}

function hasChanged(file: string) {
  return machineError("the source has changed since it was denoised and stays where it is", {
    code: "move-changed",
    file,
    remedy:
      "Wait: its new content is denoised first, as another revision. Where that cannot be read, its own job says what to do",
    retryable: true,
  });
}

function notQuiet(file: string) {
  return machineError("the source changed too recently to be moved", {
    code: "move-not-quiet",
    file,
    remedy:
      "Wait; processes of other users may have it open, so it is moved only after ten times settle.quiet_s without a change",
    retryable: true,
  });
}

function isNoFile(file: string) {
  return machineError("the source is a link or not a regular file, and only files are moved", {
    code: "move-no-file",
    file,
    remedy: "Move it by hand, or put the file itself into the watch folder",
    retryable: true,
  });
}
