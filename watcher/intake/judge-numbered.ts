import { formatError } from "../../core/errors.ts";
import type { JudgedSet, JudgedSets } from "./judged-sets.ts";
import type { NumberedSet } from "./numbered-sets.ts";
import type { Candidate, SeenFiles } from "./seen-files.ts";
import type { Listed } from "./sweep.ts";

interface NumberedJudgeTools {
  readonly now: () => number;
  /** As in `ScanSettings`. */
  readonly setQuietMs: number;
  readonly files: SeenFiles;
  readonly sets: Pick<JudgedSets, "held" | "restOf">;
  /** It belongs to the acquisition of which `first` tells; nothing waits for it alone any more. */
  readonly tellPart: (source: string, first: string) => Promise<unknown>;
  /** Reads all of its files. */
  readonly readSet: (first: string, byName: NumberedSet) => Promise<JudgedSet | string>;
  readonly judgeSet: (file: Listed, candidate: Candidate, set: JudgedSet) => Promise<void>;
}

/** Judges a file at rest of an acquisition by names: its first file waits and tells of all, the others follow it. */
export function createNumberedJudge({
  now,
  setQuietMs,
  files,
  sets,
  tellPart,
  readSet,
  judgeSet,
}: NumberedJudgeTools) {
  async function follow(file: Listed, candidate: Candidate, { first, told }: NumberedSet): Promise<void> {
    // It was the first, before another one came.
    const hasTold = candidate.told !== undefined;
    delete candidate.told;
    delete candidate.error;
    candidate.follows = first;
    if (hasTold) await tellPart(file.source, first);
    const listed = files.listed(first);
    if (files.waiting(first) !== undefined || listed === undefined) return;
    if (!told) {
      files.unsettle(listed, now());
      return;
    }
    await tellPart(file.source, first);
    files.settle(file, true);
  }

  return async (file: Listed, candidate: Candidate, byName: NumberedSet): Promise<void> => {
    const { first, members, verdict, sinceMs } = byName;
    if (file.source !== first) return follow(file, candidate, byName);
    delete candidate.follows;
    candidate.waitsFor = sets.restOf({ members }).waitsFor;
    if (candidate.waitsFor !== undefined) return;
    if (verdict.kind === "lacking") throw verdict.error;
    if (!verdict.counted && now() - sinceMs < setQuietMs) throw mayGrow(first, members.length);
    const held = await sets.held(first, now());
    const isHeld =
      held?.members.length === members.length && held.members.every((one, i) => one === members[i]);
    const set = isHeld ? held : await readSet(first, byName);
    if (typeof set === "string") return;
    await judgeSet(file, candidate, set);
    byName.told = set.told;
  };
}

/** Nothing says how many files the acquisition has: a microscope may add the next time point. */
function mayGrow(file: string, files: number) {
  return formatError("all files so far are there, and more may come, because no size is stated", {
    code: "pattern-may-grow",
    file,
    found: files === 1 ? "1 file" : `${files} files`,
    remedy:
      "Wait; it is taken after settle.set_quiet_s without a new file, or at once where folders[].pattern_sizes says how many there are",
    retryable: true,
  });
}
