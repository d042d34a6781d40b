import { type EdgeError, formatError, reportOf } from "../../core/errors.ts";
import { nameLimits } from "../../formats/file/name-limit.ts";
import { createAwaitedNames } from "./awaited-names.ts";
import type { BrokenJudgeTools } from "./judge-broken.ts";
import { type JudgedSet, tellerOf } from "./judged-sets.ts";
import { isNotPermitted } from "./not-permitted.ts";
import { type Candidate, toldNow } from "./seen-files.ts";
import type { Listed } from "./sweep.ts";

/** What waits for other files of its set: of all files of a set, one line tells. */
export function createAwaitingJudge(tools: BrokenJudgeTools) {
  const { now, brokenMs, tell, pauses, files, see } = tools;
  const names = createAwaitedNames();

  /** `members`: all that are known. Answers whether the set was refused. */
  async function tellInName(
    name: string,
    file: Listed,
    candidate: Candidate,
    members: () => readonly string[],
    error: EdgeError,
    quietMs: number,
  ): Promise<boolean> {
    const awaited = names.join(name, file.source, candidate.watched.sinceMs);
    const report = reportOf(error);
    candidate.error = report;
    candidate.checkAfterMs = now() + pauses.firstMs;
    if (error.kind === "unsupported" || quietMs >= brokenMs) {
      const there = members().filter((member) => files.listed(member) !== undefined);
      const seen = await see(there);
      if (seen === undefined) return false;
      const sighting = { ...seen, source: name };
      if (!(await tell({ kind: "refused", sighting, error: report }))) return false;
      delete awaited.told;
      for (const listed of there.flatMap((member) => files.listed(member) ?? [])) files.settle(listed, true);
      return true;
    }
    const told = toldNow(awaited.told, report, now(), pauses);
    if (told === undefined) return false;
    // One of them is enough to know the set by while it waits.
    const sighting = await see([file.source]);
    if (sighting === undefined) return false;
    awaited.told = told;
    await tell({ kind: "broken", sighting: { ...sighting, source: name }, error: report });
    return false;
  }

  /** Nothing waits for the file alone any more. */
  async function follow(source: string, candidate: Candidate, first: string): Promise<void> {
    if (candidate.follows === first) return;
    candidate.follows = first;
    const wasTold = files.endToldBefore(source) || candidate.told !== undefined;
    delete candidate.told;
    delete candidate.error;
    if (wasTold) await tell({ kind: "part", source, of: first });
  }

  return {
    /** The file that describes the set of the file is missing. False where no file can have its name. */
    withoutDescription: async (file: Listed, candidate: Candidate, describer: string): Promise<boolean> => {
      if (!mayBeBeside(describer, file.source)) return false;
      const { sinceMs, lastMs } = candidate.watched;
      await follow(file.source, candidate, describer);
      const { files: known, newestMs } = names.join(describer, file.source, sinceMs);
      const [one = file.source] = known;
      const quietMs = Math.max(0, lastMs - newestMs);
      const error = undescribed(describer, one);
      await tellInName(describer, file, candidate, () => [...known].sort(), error, quietMs);
      return true;
    },

    /** Where the set of the file is not whole. False where the file tells that itself. `quietMs`: for how long no file of the set has changed. */
    inSet: async (file: Listed, candidate: Candidate, set: JudgedSet, quietMs: number): Promise<boolean> => {
      const { source } = file;
      const first = tellerOf(set);
      if (source === first || !("refusal" in set.found)) return false;
      const { refusal } = set.found;
      if (isNotPermitted(refusal)) return false;
      if (set.refused) {
        await follow(source, candidate, first);
        files.settle(file, true);
        return true;
      }
      if (files.waiting(first) !== undefined) {
        await follow(source, candidate, first);
        candidate.checkAfterMs = now() + pauses.firstMs;
        return true;
      }
      if (files.listed(first) !== undefined || !mayBeBeside(first, source)) return false;
      await follow(source, candidate, first);
      set.refused = await tellInName(first, file, candidate, () => set.members, refusal, quietMs);
      return true;
    },

    /** The file belongs to the set that `first` stands for. */
    found: async (source: string, first: string): Promise<void> => {
      for (const name of names.leave(source, first)) await tell({ kind: "part", source: name, of: first });
    },

    /** After each listing: the names in which it was told that files wait, of which none is left. */
    gone: (): string[] => names.keep((one) => files.listed(one) !== undefined),
  };
}

/** Whether `name` can be that of a file beside `source`. */
function mayBeBeside(name: string, source: string): boolean {
  const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);
  return (
    folderOf(name) === folderOf(source) &&
    Buffer.byteLength(name.slice(folderOf(name).length)) <= nameLimits.usual &&
    !name.includes("\0")
  );
}

/** `file` is one of a set that `describer` describes. */
export function undescribed(describer: string, file: string): EdgeError {
  return formatError("the file that describes a set is missing", {
    code: "set-undescribed",
    file: describer,
    found: `${JSON.stringify(file.slice(file.lastIndexOf("/") + 1))}, which is one plane or more of the set`,
    remedy: "Copy the whole set into this folder",
  });
}
