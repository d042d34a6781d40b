import { link, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isEdgeError, machineError, verificationError } from "../../core/errors.ts";
import { systemCode } from "../../core/system-code.ts";
import { syncFolder } from "../../formats/atomic-file.ts";
import { claimPartial, forgetPartial } from "../../formats/partial-name.ts";
import { wholeHash } from "../intake/identity.ts";
import { copySource } from "./copy-source.ts";
import { factsOf } from "./file-facts.ts";
import { type Denoised, type MemberFacts, objectionToMove } from "./may-move.ts";
import { type MoveTarget, prepareTarget } from "./move-target.ts";
import { mostNumbers, noFreeName, numberedPath } from "./numbered-path.ts";
import { findOpenWriters } from "./open-writers.ts";
import { putBack, removeAside, setAside, takeName } from "./set-aside.ts";

/** What is to be moved, and what is known of it. */
export interface MoveOrder extends MoveTarget {
  /** The watch folder. */
  readonly folder: string;
  /** All files of the acquisition, below `folder`. They go together or not at all. */
  readonly members: readonly string[];
  /** sha256 (hex) of each member as it was denoised. */
  readonly sha256: Readonly<Record<string, string>>;
  readonly denoised: Denoised;
  readonly quietMs: number;
}

export type MoveEnd =
  /** `unseen`: processes whose open files could not be looked at; undefined where that is not even known. */
  | {
      readonly kind: "moved";
      readonly target: string;
      /** Where the disk of the target is mounted. */
      readonly mountPoint: string;
      readonly unseen: number | undefined;
    }
  /** The source is not in the watch folder any more. */
  | { readonly kind: "gone" };

interface Member extends MemberFacts {
  readonly source: string;
}

/**
 * Moves the files of an acquisition below `target`; a name that is taken there is left alone and `name-2.tif`, … is
 * used. Whatever dies meanwhile, asking again finishes the move. Throws `EdgeError` with the reason where the source
 * has to stay: above all while somebody writes to it, or when it is not what was denoised.
 */
export async function moveSource(order: MoveOrder, onStep: () => void): Promise<MoveEnd> {
  const first = join(order.folder, order.members[0] ?? "");
  try {
    const present = await presentMembers(order);
    if (present.length === 0) return { kind: "gone" };
    const whole = present.length === order.members.length;
    const judged = judge(order, { members: present, denoised: whole ? order.denoised : undefined });
    const mountPoint = await prepareTarget(order, present);
    onStep();
    const target = await moveMembers(order, present, await isAcrossDisks(order, present), onStep);
    return { kind: "moved", target, mountPoint, unseen: judged.unseen };
  } catch (error) {
    if (isEdgeError(error)) throw error;
    throw machineError("the source could not be moved", {
      code: "move-failed",
      file: first,
      found: systemCode(error) ?? "unknown",
      remedy: `Check that ${order.target} and the watch folder exist and that the daemon's user may write there; the daemon tries again by itself`,
      retryable: true,
      cause: error,
    });
  }
}

async function presentMembers({ folder, members }: MoveOrder): Promise<Member[]> {
  const present: Member[] = [];
  for (const source of members) {
    const path = join(folder, source);
    const facts = await factsOf(path);
    if (facts !== undefined) present.push({ source, path, facts });
  }
  return present;
}

/** Throws what stands against the move. */
function judge(
  order: MoveOrder,
  question: Pick<Parameters<typeof objectionToMove>[0], "members" | "denoised" | "before" | "renamed">,
): { unseen: number | undefined } {
  const open = findOpenWriters(question.members.map(({ facts }) => facts));
  const objection = objectionToMove({ ...question, open, quietMs: order.quietMs });
  if (objection !== undefined) throw objection;
  return { unseen: open.unseen };
}

async function moveMembers(
  order: MoveOrder,
  present: readonly Member[],
  acrossDisks: boolean,
  onStep: () => void,
): Promise<string> {
  for (let number = 1; number <= mostNumbers; number += 1) {
    const placeOf = (source: string): string => numberedPath(join(order.target, source), number);
    const ready = await readyAt(order, present, placeOf, acrossDisks, onStep);
    if (ready === undefined) continue;
    if (acrossDisks) await copyMembers(order, present, ready, placeOf, onStep);
    else {
      const moved = await renameMembers(present, ready, placeOf);
      if (moved === "taken") continue;
      // One disk that is mounted twice is two to the kernel.
      if (moved === "other-disk") return moveMembers(order, present, true, onStep);
    }
    return placeOf(order.members[0] ?? "");
  }
  throw noFreeName(join(order.target, order.members[0] ?? ""));
}

async function isAcrossDisks({ target }: MoveOrder, present: readonly Member[]): Promise<boolean> {
  for (const { source, facts } of present) {
    const { dev } = await stat(dirname(join(target, source)), { bigint: true });
    if (dev !== facts.dev) return true;
  }
  return false;
}

/**
 * Which members an earlier attempt has already brought to these places: as another name of the same file within one
 * disk, as an equal copy across disks. undefined where another file lies at one of them, so that other places must be
 * found. Throws where a member is neither here nor there.
 */
async function readyAt(
  order: MoveOrder,
  present: readonly Member[],
  placeOf: (source: string) => string,
  acrossDisks: boolean,
  onStep: () => void,
): Promise<ReadonlySet<string> | undefined> {
  const ready = new Set<string>();
  let missing: string | undefined;
  for (const source of order.members) {
    const here = present.find((member) => member.source === source)?.facts;
    const there = await factsOf(placeOf(source));
    if (there === undefined) {
      if (here === undefined) missing = source;
      continue;
    }
    const linked = here?.dev === there.dev && here.ino === there.ino;
    const maybeCopied = here === undefined || (acrossDisks && here.size === there.size);
    if (!linked && !(maybeCopied && there.isFile())) return undefined;
    if (!linked && (await wholeHash(placeOf(source), onStep)) !== order.sha256[source]) return undefined;
    ready.add(source);
  }
  if (missing === undefined) return ready;
  if (ready.size > 0) return undefined;
  throw incomplete(join(order.folder, missing));
}

/** Renames within one disk, all or none: no byte is lost by that, whoever writes. */
async function renameMembers(
  present: readonly Member[],
  ready: ReadonlySet<string>,
  placeOf: (source: string) => string,
): Promise<"moved" | "taken" | "other-disk"> {
  const made: string[] = [];
  const undo = async (): Promise<void> => {
    for (const place of made) await unlink(place);
  };
  for (const { source, path } of present) {
    if (ready.has(source)) continue;
    const place = placeOf(source);
    const code = await link(path, place).then(() => undefined, systemCode);
    if (code === undefined) made.push(place);
    else if (code === "EEXIST" || code === "EXDEV") {
      await undo();
      return code === "EEXIST" ? "taken" : "other-disk";
    } else if (made.length === 0 && (await takeName(path, place))) continue;
    else {
      await undo();
      return "taken";
    }
  }
  for (const { source, path } of present) {
    await syncFolder(dirname(placeOf(source)));
    await unlink(path).catch((error: unknown) => {
      // Where links are not known it was renamed.
      if (systemCode(error) !== "ENOENT") throw error;
    });
  }
  return "moved";
}

/** Copies, compares, looks again, and only then removes. */
async function copyMembers(
  order: MoveOrder,
  present: readonly Member[],
  ready: ReadonlySet<string>,
  placeOf: (source: string) => string,
  onStep: () => void,
): Promise<void> {
  const partials = new Map<string, string>();
  try {
    for (const { source, path, facts } of present) {
      if (ready.has(source)) {
        // Its copy was compared by hash; so must the source be, which is to go.
        if ((await wholeHash(path, onStep)) !== order.sha256[source]) throw isAnother(path);
        continue;
      }
      const partial = claimPartial(placeOf(source));
      partials.set(source, partial);
      const sha256 = await copySource(path, facts, partial, onStep);
      if (sha256 !== order.sha256[source]) throw isAnother(path);
    }
    judge(order, { members: await presentMembers(order), denoised: undefined, before: present });
    for (const [source, partial] of partials) {
      if (!(await takeName(partial, placeOf(source)))) throw noFreeName(placeOf(source));
      await syncFolder(dirname(placeOf(source)));
    }
  } finally {
    for (const partial of partials.values()) {
      await unlink(partial).catch(() => undefined);
      forgetPartial(partial);
    }
  }
  await removeCopied(order, present, placeOf);
}

async function removeCopied(
  order: MoveOrder,
  present: readonly Member[],
  placeOf: (source: string) => string,
): Promise<void> {
  judge(order, { members: await presentMembers(order), denoised: undefined, before: present });
  const aside = new Map<string, string>();
  try {
    for (const { path } of present) aside.set(path, await setAside(path));
    const now: Member[] = [];
    for (const { source, path } of present) {
      const hidden = aside.get(path) ?? path;
      const facts = await factsOf(hidden);
      const copied = await factsOf(placeOf(source));
      if (facts === undefined || copied?.size !== facts.size) throw isAnother(path);
      now.push({ source, path, facts });
    }
    judge(order, { members: now, denoised: undefined, before: present, renamed: true });
    for (const [path, hidden] of aside) {
      await removeAside(hidden);
      aside.delete(path);
    }
  } finally {
    for (const hidden of aside.values()) await putBack(hidden);
  }
  for (const { path } of present) await syncFolder(dirname(path));
}

function isAnother(file: string) {
  return verificationError("the source has other bytes than those that were denoised; it stays where it is", {
    code: "move-differs",
    file,
    remedy: "Find the program that writes to it. Copy the file into the watch folder again to denoise it",
    retryable: true,
  });
}

function incomplete(file: string) {
  return machineError("a file of the set is missing, so the others stay where they are", {
    code: "move-incomplete",
    file,
    remedy: "Put the file back, or move the others by hand",
    retryable: true,
  });
}
