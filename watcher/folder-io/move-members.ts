import { dirname, join } from "node:path";
import { verificationError } from "../../core/errors.ts";
import { syncFolder } from "../../formats/file/atomic-file.ts";
import { findMappedWriters } from "./mapped-writers.ts";
import { type Denoised, type MemberFacts, type MoveQuestion, objectionToMove } from "./may-move.ts";
import type { MoveTarget } from "./move-target.ts";
import { findOpenWriters } from "./open-writers.ts";
import { factsOf, putBack, removeAside, setAside } from "./set-aside.ts";

/** The files of one acquisition on their way: what they are, whether they may go, and how they lose their names. */

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

export interface Member extends MemberFacts {
  readonly source: string;
}

export async function presentMembers({ folder, members }: MoveOrder): Promise<Member[]> {
  const present: Member[] = [];
  for (const source of members) {
    const path = join(folder, source);
    const facts = await factsOf(path);
    if (facts !== undefined) present.push({ source, path, facts });
  }
  return present;
}

/** Throws what stands against the move. */
export function judge(order: MoveOrder, question: Omit<MoveQuestion, "open" | "quietMs">) {
  const files = question.members.map(({ facts }) => facts);
  const { unseen, writers: holding } = findOpenWriters(files);
  const writers = [...new Set([...holding, ...findMappedWriters(files)])];
  const open = { unseen, writers };
  const objection = objectionToMove({ ...question, open, quietMs: order.quietMs });
  if (objection !== undefined) throw objection;
  return { unseen };
}

/** The members as they are now; throws where they are not those of `before` under the same names. */
export async function lookAgain(order: MoveOrder, before: readonly Member[]): Promise<Member[]> {
  const members = await presentMembers(order);
  judge(order, { members, denoised: undefined, before, renamed: true });
  return members;
}

/**
 * Takes the members out of the watch folder, all or none: each is set aside, where no other file can take its place any
 * more, and judged again there, because another may have taken its name until then. Removes them once `bring`, which
 * gets them with their hidden paths, says that they are at the target. Where it says that they are not, or throws, or where
 * one is not that of `present`, they get their names again. Answers whether they were removed.
 */
export async function removeAsideAfter(
  order: MoveOrder,
  present: readonly Member[],
  bring: (hidden: readonly Member[]) => Promise<boolean>,
): Promise<boolean> {
  judge(order, { members: await presentMembers(order), denoised: undefined, before: present });
  const aside = new Set<string>();
  try {
    const hidden: Member[] = [];
    for (const { source, path } of present) {
      const to = await setAside(path);
      aside.add(to);
      const facts = await factsOf(to);
      if (facts === undefined) throw isAnother(path);
      hidden.push({ source, path: to, facts });
    }
    judge(order, { members: hidden, denoised: undefined, before: present, renamed: true });
    if (!(await bring(hidden))) return false;
    for (const { path } of hidden) {
      await removeAside(path);
      aside.delete(path);
    }
  } finally {
    await giveBack([...aside]);
  }
  for (const { path } of present) await syncFolder(dirname(path));
  return true;
}

/** One that cannot be given back keeps no other from it. */
async function giveBack(aside: readonly string[]): Promise<void> {
  const ends = await Promise.allSettled(
    aside.map(async (path) => ((await factsOf(path)) === undefined ? removeAside(path) : putBack(path))),
  );
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

export function isAnother(file: string) {
  return verificationError("the source has other bytes than those that were denoised; it stays where it is", {
    code: "move-differs",
    file,
    remedy: "Find the program that writes to it. Copy the file into the watch folder again to denoise it",
    retryable: true,
  });
}
