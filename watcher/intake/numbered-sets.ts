import { defaultLimits } from "../../formats/file/reading.ts";
import { type FilePattern, type NumberedFile, nameReader } from "../../formats/numbered/file-pattern.ts";
import { inOrder, judgeNumbers, type NumberedVerdict } from "../../formats/numbered/numbered-set.ts";
import type { Listed } from "./sweep.ts";

/** An acquisition whose files are known by their names alone, as the last listing showed it. */
export interface NumberedSet {
  /** The file that stands for it: the first in T, C, Z order. */
  readonly first: string;
  /** All that are there, in this order, as `Sighting.members`. */
  readonly members: readonly string[];
  readonly verdict: NumberedVerdict;
  /** Since when no file of it came, went or changed (milliseconds of the scan's clock). */
  readonly sinceMs: number;
  /** As it is now, it was told as whole or as refused. */
  told: boolean;
}

/** All files of an acquisition together: another where one came, went or changed. */
interface Look {
  readonly files: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

interface Held extends NumberedSet {
  readonly look: Look;
}

/** The acquisitions of one folder that `pattern` finds. No file of them is opened before all of them are there. */
export function createNumberedSets(pattern: FilePattern) {
  const reader = nameReader(pattern.template);
  let held = new Map<string, Held>();
  let ofFile = new Map<string, Held>();

  return {
    /** Takes in a new listing. Answers the first files of the acquisitions that are others now. */
    relist: (listed: readonly Listed[], nowMs: number): readonly string[] => {
      const found = new Map<string, { readonly files: NumberedFile[]; look: Look }>();
      for (const file of listed) {
        const named = file.verdict.kind === "image" ? reader(file.source) : undefined;
        if (named === undefined) continue;
        const before = found.get(named.acquisition);
        if (before === undefined)
          found.set(named.acquisition, { files: [named], look: added(noFiles, file) });
        else {
          before.files.push(named);
          before.look = added(before.look, file);
        }
      }
      const fresh: string[] = [];
      const next = new Map<string, Held>();
      ofFile = new Map();
      for (const [acquisition, { files, look }] of found) {
        const before = held.get(acquisition);
        const set = before !== undefined && isSame(before.look, look) ? before : seen(files, look, nowMs);
        if (set !== before) fresh.push(set.first);
        next.set(acquisition, set);
        for (const member of set.members) ofFile.set(member, set);
      }
      held = next;
      return fresh;
    },
    /** The acquisition that a listed file belongs to by its name. */
    of: (source: string): NumberedSet | undefined => ofFile.get(source),
  };

  function seen(files: readonly NumberedFile[], look: Look, nowMs: number): Held {
    const ordered = inOrder(files);
    const members = ordered.map(({ file }) => file);
    const verdict = judgeNumbers(ordered, pattern, defaultLimits.maxMembers);
    return { first: members[0] ?? "", members, verdict, sinceMs: nowMs, told: false, look };
  }
}

const noFiles: Look = { files: 0, sizeBytes: 0, mtimeMs: 0, ctimeMs: 0 };

function added(look: Look, { sizeBytes, mtimeMs, ctimeMs }: Listed): Look {
  return {
    files: look.files + 1,
    sizeBytes: look.sizeBytes + sizeBytes,
    mtimeMs: look.mtimeMs + mtimeMs,
    ctimeMs: look.ctimeMs + ctimeMs,
  };
}

function isSame(one: Look, other: Look): boolean {
  return (
    one.files === other.files &&
    one.sizeBytes === other.sizeBytes &&
    one.mtimeMs === other.mtimeMs &&
    one.ctimeMs === other.ctimeMs
  );
}
