import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EdgeError, fieldsOf } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { type FileLook, looksAlike } from "./sighting.ts";
import type { FoundWhole } from "./structural-check.ts";

/** What one reading told of a set. All its files are judged by it, and none of them is read again. */
export interface JudgedSet {
  /** The file that was read, as `members`. */
  readonly readFrom: string;
  /** All files, as `Sighting.members`, also those that are missing; first the one that stands for the set. */
  readonly members: readonly string[];
  readonly found: FoundWhole | { readonly refusal: EdgeError };
  /** How each file was listed then; undefined where it was not. */
  readonly looks: ReadonlyMap<string, FileLook | undefined>;
  /** Milliseconds of the scan's clock. */
  readonly readMs: number;
  /** When it was seen that a file of it had come, gone or changed since it was read before; undefined where it was not. */
  readonly changedMs?: number;
  /** Whether the first file alone describes the set; undefined as long as none of the others was read. */
  othersAreParts?: boolean;
  /** It was told as whole. */
  told: boolean;
  /** It was told as refused, in the name of its first file. */
  refused: boolean;
}

/** What a scan knows of its folder since the last listing. */
export interface ListedFolder {
  readonly path: string;
  readonly lookOf: (source: string) => FileLook | undefined;
  /** Of a file that is listed and waits to be judged: how long it has not changed (milliseconds), and whether it is at rest. */
  readonly waitOf: (source: string) => { readonly quietMs: number; readonly isAtRest: boolean } | undefined;
}

/** How the files of a set stand in the last listing. */
export interface SetRest {
  /** The first that is not at rest. */
  readonly waitsFor?: string;
  /** For how long none of those that wait has changed. */
  readonly quietMs: number;
}

export type JudgedSets = ReturnType<typeof createJudgedSets>;

/** `rereadMs`: a set that is not whole is read again after this, also if nothing of it changed. */
export function createJudgedSets(folder: ListedFolder, rereadMs: number) {
  const sets = new Map<string, JudgedSet>();
  /** Of those that hold since the last listing. A set of thousands is looked through once, not once for each of its files. */
  let rests = new Map<Pick<JudgedSet, "members">, SetRest>();

  /** Sets that are read again, as they were, by the first name. */
  const earlier = new Map<
    string,
    Pick<JudgedSet, "members" | "looks" | "changedMs" | "othersAreParts" | "refused">
  >();

  const forget = (set: JudgedSet): void => {
    for (const member of set.members) if (sets.get(member) === set) sets.delete(member);
  };

  function restOf({ members }: Pick<JudgedSet, "members">): SetRest {
    let quietMs = Number.POSITIVE_INFINITY;
    for (const member of members) {
      const wait = folder.waitOf(member);
      if (wait?.isAtRest === false) return { waitsFor: member, quietMs: 0 };
      if (wait !== undefined) quietMs = Math.min(quietMs, wait.quietMs);
    }
    return { quietMs };
  }

  const isAsRead = ({ members, looks }: JudgedSet): boolean =>
    members.every((member) => looksAlike(looks.get(member), folder.lookOf(member)));

  /** A file that the watcher does not list, as for its ending, may be one of a set all the same. */
  async function lacksFile({ members }: JudgedSet): Promise<boolean> {
    for (const member of members) {
      if (folder.lookOf(member) !== undefined) continue;
      const isThere = await stat(join(folder.path, member)).then(
        () => true,
        () => false,
      );
      if (!isThere) return true;
    }
    return false;
  }

  async function holds(set: JudgedSet, { waitsFor }: SetRest, nowMs: number): Promise<boolean> {
    // What is read while one of its files changes would be read in vain.
    if (waitsFor !== undefined) return true;
    if (!isAsRead(set)) return false;
    const { found, readMs } = set;
    // What is empty in places may be filled without another time of change.
    if ("facts" in found && !found.zeros) return true;
    return nowMs - readMs < rereadMs || lacksFile(set);
  }

  return {
    /** A new listing was made. */
    relisted: (): void => {
      rests = new Map();
    },
    /** The set that names `source`, unless its files are others than those that were read. */
    held: async (source: string, nowMs: number): Promise<JudgedSet | undefined> => {
      const set = sets.get(source);
      if (set === undefined || rests.has(set)) return set;
      const rest = restOf(set);
      if (await holds(set, rest, nowMs)) {
        rests.set(set, rest);
        return set;
      }
      earlier.set(firstName(set), set);
      forget(set);
      return undefined;
    },
    remember: (
      read: Pick<JudgedSet, "readFrom" | "members" | "found" | "othersAreParts" | "readMs">,
    ): JudgedSet => {
      const looks = new Map(read.members.map((member) => [member, folder.lookOf(member)]));
      const before = earlier.get(firstName(read));
      const othersAreParts = read.othersAreParts ?? before?.othersAreParts;
      const isSame = before?.members.length === looks.size && hasLooks(before, looks);
      const changedMs = before === undefined || isSame ? before?.changedMs : read.readMs;
      const refused = isSame === true && before?.refused === true;
      const set = { ...read, looks, told: false, refused, ...present({ othersAreParts, changedMs }) };
      for (const member of set.members) sets.set(member, set);
      rests.set(set, restOf(set));
      return set;
    },
    forget,
    /** A file that a description counts may have another name than it was expected to have: the description is read again. */
    forgetWithout: (describer: string, source: string): void => {
      const set = sets.get(describer);
      if (set === undefined || set.looks.has(source)) return;
      earlier.set(firstName(set), set);
      forget(set);
    },
    restOf: (set: Pick<JudgedSet, "members">): SetRest => rests.get(set) ?? restOf(set),
    /** Forgets sets of which no file waits. */
    keepWaiting: (): void => {
      for (const set of new Set(sets.values())) {
        if (set.members.some((member) => folder.waitOf(member) !== undefined)) continue;
        earlier.delete(firstName(set));
        forget(set);
      }
    },
  };
}

function hasLooks({ looks }: Pick<JudgedSet, "looks">, others: JudgedSet["looks"]): boolean {
  return [...others].every(([member, look]) => looksAlike(looks.get(member), look));
}

function firstName({ members }: Pick<JudgedSet, "members">): string {
  return members.reduce((first, member) => (member < first ? member : first));
}

/**
 * The file in whose name it is told that a set is not whole, which may be missing itself: the one that describes the set where one
 * does, else the first by name, which most likely stands for the set once it is whole.
 */
export function tellerOf({ members, othersAreParts }: Pick<JudgedSet, "members" | "othersAreParts">): string {
  const [first = ""] = members;
  return othersAreParts === true ? first : firstName({ members });
}

/** What `readFrom` was refused for, as the same refusal of another file that describes the same set. */
export function inNameOf(source: string, readFrom: string, refusal: EdgeError): EdgeError {
  const { file, kind, message, cause } = refusal;
  if (source === readFrom || file === undefined || basename(file) !== basename(readFrom)) return refusal;
  return new EdgeError(kind, message, {
    ...fieldsOf(refusal),
    file: join(dirname(file), basename(source)),
    cause,
  });
}
