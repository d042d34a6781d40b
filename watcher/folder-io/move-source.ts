import { stat, unlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { isEdgeError, machineError, systemCode } from "../../core/errors.ts";
import { syncFolder } from "../../formats/file/atomic-file.ts";
import { digestOfFile } from "../../formats/file/file-digest.ts";
import { fittedName, nameLimitOf } from "../../formats/file/name-limit.ts";
import { claimPartial, forgetPartial } from "../../formats/file/partial-name.ts";
import { imageStem } from "../../formats/image-name.ts";
import { copySource } from "./copy-source.ts";
import {
  isAnother,
  judge,
  lookAgain,
  type Member,
  type MoveOrder,
  presentMembers,
  removeAsideAfter,
} from "./move-members.ts";
import { makeFolders, prepareTarget } from "./move-target.ts";
import { factsOf, giveName, mostNumbers, noFreeName, numberedPath, takeName } from "./set-aside.ts";

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

/** An order at work. */
interface Move extends MoveOrder {
  /** Called after each piece of work on the disk. */
  readonly onStep: () => void;
}

/**
 * Moves the files of an acquisition below `target`; a name that is taken there is left alone and `name-2.tif`, … is
 * used, for a set a folder `name-2` in which its files keep their names. Whatever dies meanwhile, asking again finishes the move. Throws `EdgeError` with the reason where the source
 * has to stay: above all while somebody writes to it, or when it is not what was denoised.
 */
export async function moveSource(asked: MoveOrder, onStep: () => void): Promise<MoveEnd> {
  const order: Move = { ...asked, onStep };
  const first = join(order.folder, order.members[0] ?? "");
  try {
    const present = await presentMembers(order);
    if (present.length === 0) return { kind: "gone" };
    const whole = present.length === order.members.length;
    const judged = judge(order, { members: present, denoised: whole ? order.denoised : undefined });
    const mountPoint = await prepareTarget(order, present);
    onStep();
    const target = await moveMembers(order, present, await isAcrossDisks(order, present));
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

async function moveMembers(order: Move, present: readonly Member[], acrossDisks: boolean): Promise<string> {
  const limitBytes = await nameLimitOf(order.target);
  let now = present;
  for (let number = 1; number <= mostNumbers; number += 1) {
    const placeOf = placesAt(order, number, limitBytes);
    const ready = await readyAt(order, now, placeOf, acrossDisks);
    if (ready === undefined) continue;
    if (number > 1 && order.members.length > 1) await makeFolders(order, order.members.map(placeOf));
    if (acrossDisks) await copyMembers(order, now, ready, placeOf);
    else {
      const moved = await renameMembers(order, now, placeOf);
      if (moved !== "moved") {
        // They were without their names for a moment, which shows in their ctime.
        now = await lookAgain(order, now);
        // One disk that is mounted twice is two to the kernel.
        if (moved === "other-disk") return moveMembers(order, now, true);
        continue;
      }
    }
    return placeOf(order.members[0] ?? "");
  }
  throw noFreeName(join(order.target, order.members[0] ?? ""));
}

/**
 * Where each file of an acquisition goes under a number. A set is read by the names of its files, so these stay: it gets a
 * folder with the number, named after its first file, in the lowest folder that holds all of them.
 */
function placesAt({ target, members }: Move, number: number, limitBytes: number) {
  if (number === 1 || members.length === 1)
    return (source: string): string => numberedPath(join(target, source), number, limitBytes);
  const common = members.map(dirname).reduce((above, folder) => {
    while (above !== "." && `${folder}/`.indexOf(`${above}/`) !== 0) above = dirname(above);
    return above;
  });
  const own = join(common, fittedName(imageStem(basename(members[0] ?? "")), `-${number}`, limitBytes));
  return (source: string): string => numberedPath(join(target, own, relative(common, source)), 1, limitBytes);
}

async function isAcrossDisks({ target }: Move, present: readonly Member[]): Promise<boolean> {
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
  order: Move,
  present: readonly Member[],
  placeOf: (source: string) => string,
  acrossDisks: boolean,
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
    if (!linked && (await digestOfFile(placeOf(source), { onStep: order.onStep })) !== order.sha256[source])
      return undefined;
    ready.add(source);
  }
  if (missing === undefined) return ready;
  if (ready.size > 0) return undefined;
  throw incomplete(join(order.folder, missing));
}

/** Gives each file its new name before it loses its old one: no byte is lost by that, whoever writes. */
async function renameMembers(
  order: Move,
  present: readonly Member[],
  placeOf: (source: string) => string,
): Promise<"moved" | "taken" | "other-disk"> {
  try {
    const moved = await removeAsideAfter(order, present, async (hidden) => {
      let renamed = false;
      for (const { source, path } of hidden) {
        const given = await giveName(path, placeOf(source));
        if (given === "taken" && renamed) throw noFreeName(placeOf(source));
        if (given === "taken") return false;
        renamed ||= given === "renamed";
      }
      for (const { source } of hidden) await syncFolder(dirname(placeOf(source)));
      return true;
    });
    return moved ? "moved" : "taken";
  } catch (error) {
    if (systemCode(error) === "EXDEV") return "other-disk";
    throw error;
  }
}

/** Copies, compares, looks again, and only then removes. */
async function copyMembers(
  order: Move,
  present: readonly Member[],
  ready: ReadonlySet<string>,
  placeOf: (source: string) => string,
): Promise<void> {
  const partials = new Map<string, string>();
  try {
    for (const { source, path, facts } of present) {
      if (ready.has(source)) {
        // Its copy was compared by hash; so must the source be, which is to go.
        if ((await digestOfFile(path, { onStep: order.onStep })) !== order.sha256[source])
          throw isAnother(path);
        continue;
      }
      const partial = claimPartial(placeOf(source));
      partials.set(source, partial);
      const sha256 = await copySource(path, facts, partial, order.onStep);
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
  await removeAsideAfter(order, present, async (hidden) => {
    for (const { source, facts } of hidden) {
      const copied = await factsOf(placeOf(source));
      if (copied?.size !== facts.size) throw isAnother(join(order.folder, source));
    }
    return true;
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
