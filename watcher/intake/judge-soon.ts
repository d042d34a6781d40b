import type { JudgedSet, JudgedSets } from "./judged-sets.ts";
import type { Candidate, SeenFiles } from "./seen-files.ts";
import type { WholeFacts } from "./structural-check.ts";
import { type Listed, listedFault } from "./sweep.ts";
import type { WrittenEnd, WrittenEnds } from "./written-files.ts";

interface SoonJudgeTools {
  readonly now: () => number;
  /** As in `ScanSettings`. */
  readonly writtenEnds?: WrittenEnds | undefined;
  readonly files: SeenFiles;
  readonly sets: Pick<JudgedSets, "held">;
  /** Whether its name makes it one of several files of an acquisition. */
  readonly isOfMany: (source: string) => boolean;
  readonly readSet: (source: string) => Promise<JudgedSet | string>;
  readonly tellWhole: (set: JudgedSet, facts: WholeFacts) => Promise<boolean>;
}

/**
 * Takes files that have not been quiet yet, because their writers have ended and their structure says that they are whole. Of
 * any other nothing is told: the quiet rule decides.
 */
export function createSoonJudge(tools: SoonJudgeTools) {
  const { now, writtenEnds, files, sets, isOfMany, readSet, tellWhole } = tools;
  return {
    /** Those of the files that wait to be quiet whose writers have ended; each is asked for until it was judged as it looks. */
    endedFiles: async (listed: readonly Listed[]): Promise<ReadonlyMap<string, WrittenEnd>> => {
      const asked = listed.flatMap(({ source }) => {
        const candidate = files.waiting(source);
        if (candidate === undefined || candidate.wasTriedSoon === true || isOfMany(source)) return [];
        return files.isAtRest(candidate) ? [] : source;
      });
      return asked.length === 0 ? new Map() : ((await writtenEnds?.ended(asked)) ?? new Map());
    },
    judgeSoon: async (file: Listed, candidate: Candidate, end: WrittenEnd): Promise<void> => {
      candidate.wasTriedSoon = true;
      const { source } = file;
      // A file that was whole and is written again may be written once more. What was renamed over it is another one.
      const isAnother = end === "renamed";
      if ((candidate.changed !== undefined && !isAnother) || listedFault(file) !== undefined) return;
      const set = (await sets.held(source, now())) ?? (await readSet(source).catch(() => undefined));
      // It is not opened again to learn that.
      if (typeof set === "string") candidate.part = { look: file, describer: set };
      if (set === undefined || typeof set === "string" || "refusal" in set.found) return;
      // The other files of a set may come later.
      if (set.members.length > 1) return;
      files.sawWhole(file, candidate);
      const { zeros, planes, facts } = set.found;
      // Pages that were renamed into their place are all that come. A plane on its own may be one of many files.
      const isComplete = planes === "stated" || (planes === "counted" && isAnother);
      if (zeros || !isComplete || !writtenEnds?.holds(source, end)) return;
      if (await tellWhole(set, facts)) files.settle(file, false);
    },
  };
}
