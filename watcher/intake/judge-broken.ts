import type { BackoffRule } from "../../core/backoff.ts";
import { hasCode, isEdgeError, reportOf } from "../../core/errors.ts";
import type { Finding } from "./finding.ts";
import { fileNotReadable, isNotPermitted } from "./not-permitted.ts";
import { type Candidate, type SeenFiles, toldNow } from "./seen-files.ts";
import type { Sighting } from "./sighting.ts";
import { canBeRead, type Listed, unread } from "./sweep.ts";

/** What those need who judge a file or a set that is not whole. */
export interface BrokenJudgeTools {
  readonly now: () => number;
  /** As in `ScanSettings`. */
  readonly brokenMs: number;
  readonly tell: (finding: Finding) => Promise<boolean>;
  /** When a file is looked at again, and how often what it waits for is told anew. */
  readonly pauses: BackoffRule;
  readonly files: SeenFiles;
  /** undefined where one of the files vanished or changed since it was listed. */
  readonly see: (members: readonly string[]) => Promise<Sighting | undefined>;
}

/** Judges a file that is not whole: it waits, and is refused when neither it nor a file of its set has changed for long (`quietMs`). */
export function createBrokenJudge({ now, brokenMs, tell, pauses, files, see }: BrokenJudgeTools) {
  /** Answers whether it was told as refused. */
  return async (file: Listed, candidate: Candidate, error: unknown, quietMs: number): Promise<boolean> => {
    const sighting = canBeRead(file) ? await see([file.source]).catch(() => unread(file)) : unread(file);
    // It vanished or changed while we looked: the next sweep sees what it is now.
    if (sighting === undefined) return false;
    // Nothing about the file shows when its rights are mended, so it waits and is tried again and again.
    const denied = isNotPermitted(error);
    const report = reportOf(denied ? fileNotReadable(file.source, error) : error);
    const hopeless = isEdgeError(error) && error.kind === "unsupported";
    const mayEnd = !hasCode(report, "pattern-may-grow") && quietMs >= brokenMs;
    if (!denied && (hopeless || mayEnd)) {
      if (!(await tell({ kind: "refused", sighting, error: report }))) return false;
      files.settle(file, false);
      return true;
    }
    candidate.checkAfterMs = now() + pauses.firstMs;
    candidate.error = report;
    delete candidate.follows;
    const told = toldNow(candidate.told, report, now(), pauses);
    if (told === undefined) return false;
    candidate.told = told;
    await tell({ kind: "broken", sighting, error: report });
    return false;
  };
}
