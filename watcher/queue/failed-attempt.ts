import { type BackoffRule, doubledMs } from "../../core/backoff.ts";
import { type ErrorReport, errorFromReport, hasCode, reportOf } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { WrittenConfig } from "../config/schema.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "../folder/folder.ts";
import { inWordsOfFolder, type SeenSource } from "../folder/folder-state.ts";
import type { Room } from "../folder-io/protocol.ts";
import type { SourceLook } from "../folder-io/watched-folder.ts";
import {
  isEngineLoss,
  isModelFault,
  isOutputFault,
  isSourceFault,
  unexplainedLosses,
} from "../ledger/held-faults.ts";
import type { ClaimedJob, JobQueue } from "./job-queue.ts";

export interface FailedAttemptOptions {
  readonly queue: Pick<JobQueue, "end" | "giveBack">;
  readonly jobs: WrittenConfig["jobs"];
  /** Between two looks at all of a folder. */
  readonly sweepMs: number;
  /** Checks the models again after a job met a fault of one; true where one is found to be in fault, whose folder is held. */
  readonly checkModels: () => Promise<boolean>;
  readonly log: Pick<DaemonLog, "warn">;
}

/** A disk that refuses although it claims to have room (a quota) is tried again after so many sweeps. */
const sweepsPerFullRetry = 10;
/** A folder whose disk is full is tried again by its own sweep; this is only the job's place in the queue. */
export const fullDelayMs = 60_000;
export const fullReason = "the disk of the results is full";

/** Whether an error stands for all jobs of the folder, as its own process found; the folder says so then. */
export function closeFolder(folder: Folder, error: ErrorReport, into: string, claim: ClaimedJob): boolean {
  if (hasCode(error, "folder-unreachable", "folder-leased", "folder-lease-lost"))
    folder.learn({ unreachable: error });
  else if (isOutputFault(error)) folder.cannotWrite(error, into, seenSource(claim));
  else return false;
  return true;
}

/** Answers what settles a job whose attempt ended in an error. Tells `attemptFailed`. */
export function createFailedAttempts(events: Events, options: FailedAttemptOptions) {
  const { queue, log } = options;

  /** What would meet each job of the folder, which then waits, and not only this one; the job goes back as it was. */
  async function heldBy(claim: ClaimedJob, folder: Folder, error: ErrorReport) {
    if (isModelFault(error)) {
      // The clock may have found it before the job did.
      const held = (await options.checkModels()) || folder.facts().modelError !== undefined;
      return held ? error : undefined;
    }
    if (!isOutputFault(error) && !hasCode(error, "disk-full")) return undefined;
    const { into } = claim;
    return folder.io.ask("prepare", { into }).then(
      () => undefined,
      (found: unknown) => (closeFolder(folder, reportOf(found), into, claim) ? error : undefined),
    );
  }

  /** What lies in the watch folder where a job's error may come from its source; an error where the folder is not there. */
  async function lookAfter(
    claim: ClaimedJob,
    folder: Folder,
    error: ErrorReport,
  ): Promise<SourceLook | { readonly kind: "held"; readonly error: ErrorReport }> {
    if (!isSourceFault(error)) return { kind: "unknown" };
    return folder.io.ask("look", { members: claim.job.members }).catch((found: unknown) => {
      const report = reportOf(found);
      return closeFolder(folder, report, "", claim) ? { kind: "held", error: report } : { kind: "unknown" };
    });
  }

  /** An engine that was lost left its half-written result behind, and perhaps no job follows that would remove it. */
  async function tidyAfter({ into }: ClaimedJob, folder: Folder, error: ErrorReport): Promise<void> {
    if (!isEngineLoss(error)) return;
    // A folder that does not answer is told by its own process, and removes it when that starts again.
    await folder.io.ask("tidy", { into }).catch(() => undefined);
  }

  return async (claim: ClaimedJob, folder: Folder, met: ErrorReport): Promise<void> => {
    const { job, into } = claim;
    const about = { job: job.id, folder: folder.config.name };
    const error = inWordsOfFolder(met, folder.config.name);
    events.tell("attemptFailed", { job, error });
    await tidyAfter(claim, folder, error);
    const look = await lookAfter(claim, folder, error);
    if (job.status === "running") {
      const held = look.kind === "held" ? look.error : await heldBy(claim, folder, error);
      if (held !== undefined) {
        const reason = `put back, because its folder waits: ${held.message}`;
        await queue.giveBack(claim, reason, { counts: false });
        return;
      }
    }
    const verdict = judgeFailure(error, job.attempt, options.jobs.attempts, look.kind === "gone");
    switch (verdict.kind) {
      case "full": {
        const room = await folder.io.ask("prepare", { into });
        const retryMs = sweepsPerFullRetry * options.sweepMs;
        findsRoom(folder, claim, room, options.jobs, { message: error.message, retryMs });
        return queue.giveBack(claim, fullReason, { delayMs: fullDelayMs, counts: false });
      }
      case "interrupted":
        return queue.giveBack(claim, "the daemon was stopped while the job ran", { counts: false });
      case "again":
        log.warn(errorFromReport(error), about);
        return queue.giveBack(claim, `tried again after: ${error.message}`, {
          delayMs: verdict.delayMs,
          counts: true,
        });
      case "skipped":
        return queue.end(claim, { status: "skipped", reason: verdict.reason });
      default:
        log.warn(errorFromReport(error), { ...about, ended: true });
        return queue.end(claim, { status: verdict.kind, error });
    }
  };
}

/** What a job was made for, as it was seen. */
function seenSource({ job: { members, sizeBytes, mtimeMs } }: ClaimedJob): SeenSource {
  return { members, sizeBytes, mtimeMs };
}

/**
 * Whether there is room for the result and for what has to stay free beside it; else the folder waits until there is.
 * `refused`: what the engine met although there seems to be room, and after how long another attempt tells whether there is.
 */
export function findsRoom(
  folder: Folder,
  claim: ClaimedJob,
  { freeBytes, noFiles }: Room,
  { reserve_mib }: Pick<WrittenConfig["jobs"], "reserve_mib">,
  refused?: { readonly message: string; readonly retryMs: number },
): boolean {
  const neededBytes = claim.resultBytes + reserve_mib * 2 ** 20;
  const isThere = !noFiles && freeBytes >= neededBytes;
  if (isThere && refused === undefined) return true;
  const source = seenSource(claim);
  const met = refused && { message: refused.message, notBeforeMs: performance.now() + refused.retryMs };
  const claimed = present({ refused: isThere ? met : undefined });
  folder.learn({ full: { neededBytes, freeBytes, noFiles, source, ...claimed } });
  return false;
}

/**
 * What becomes of a job that ended in an error. `full`: the disk of the result is full, and the folder waits until there is
 * room; `interrupted`: we ended it ourselves.
 */
type FailureVerdict =
  | { readonly kind: "failed" | "parked" | "full" | "interrupted" }
  | { readonly kind: "skipped"; readonly reason: string }
  | { readonly kind: "again"; readonly delayMs: number };

export const contentReplaced =
  "its source was changed before the job began; what took its place has a job of its own";
export const sourceRemoved = "the source was removed before it was processed";

const pauses: BackoffRule = { firstMs: 2_000, longestMs: 5 * 60_000 };

/** Once more in a fresh process, and no more, whatever is configured. */
const attemptsWithLosses = 2;

/**
 * What becomes of a job. `attempt` is the one that just failed, from 1. The file's faults fail at once, the machine's are tried again.
 * `sourceGone`: a look showed that the watch folder is there and the source is not.
 */
export function judgeFailure(
  error: ErrorReport,
  attempt: number,
  mostAttempts: number,
  sourceGone: boolean,
): FailureVerdict {
  if (hasCode(error, "interrupted", "engine-stopped")) return { kind: "interrupted" };
  if (hasCode(error, "disk-full")) return { kind: "full" };
  // It came while the job ran: whether it is the job's own is seen before the next attempt.
  if (hasCode(error, "output-exists")) {
    return attempt < mostAttempts
      ? { kind: "again", delayMs: 0 }
      : { kind: "skipped", reason: "a result of that name exists already and is left alone" };
  }
  if (sourceGone) return { kind: "skipped", reason: sourceRemoved };
  // A model's fault is never the file's: where the model is in order again, another attempt shows it.
  if (error.kind !== "machine" && !error.retryable && !isModelFault(error)) return { kind: "failed" };
  const again = { kind: "again", delayMs: doubledMs(pauses, attempt - 1) } as const;
  // The memory will be free again, whatever takes it; smaller tiles would change the result.
  if (hasCode(error, "memory-short")) return again;
  const attempts = hasCode(error, ...unexplainedLosses)
    ? Math.min(attemptsWithLosses, mostAttempts)
    : mostAttempts;
  return attempt >= attempts ? { kind: "parked" } : again;
}
