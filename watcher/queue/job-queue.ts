import type { ErrorReport } from "../../core/errors.ts";
import type { DenoiseJobInput, DenoiseOutcome, Progress } from "../../runtime/job/denoise-job.ts";
import type { StandingOutcome } from "../../runtime/result/standing-result.ts";
import type { Job } from "../ledger/job.ts";

/**
 * Which job runs next, and what becomes of it, as a worker sees it. The daemon's is the ledger (`ledger-queue.ts`); another
 * engine may stand behind it that gives jobs to workers on other machines (its laws: `test/watcher/queue/queue-laws.ts`).
 *
 * A worker claims a job, looks whether it can run, begins it, and acknowledges it, ends it or gives it back. Each answer
 * is kept once the queue has stored it, and is told as `jobChanged`.
 */
export interface JobQueue {
  /**
   * The next job of a folder that is not paused, for this worker alone until it is settled or released, or the claim is not
   * extended for `claimMs`; undefined while there is none. Folders take turns, so that none starves another.
   */
  readonly claim: () => Promise<ClaimedJob | undefined>;
  /** The claim lasts `claimMs` from now. */
  readonly extend: (claim: ClaimedJob) => void;
  /**
   * Counts an attempt and reserves the name of the result: the first of `outputs` (those of the claim, where none are given) that no other job has. Throws
   * `EdgeError` (`machine`): `job-claim-lost` where another worker has claimed the job since, as do all that follow.
   */
  readonly begin: (claim: ClaimedJob, outputs?: readonly string[]) => Promise<BegunJob>;
  readonly progress: (begun: BegunJob, progress: Progress) => void;
  /** The job is done. */
  readonly acknowledge: (begun: BegunJob, outcome: DenoiseOutcome) => Promise<void>;
  /** Those of the claim's names that are not of other jobs. */
  readonly freeNames: (claim: ClaimedJob) => Promise<readonly string[]>;
  /** The job is done without being begun, because its result stands. False where that is the result of another job. */
  readonly recognise: (claim: ClaimedJob, outcome: StandingOutcome) => Promise<boolean>;
  /** The job has ended without a result. */
  readonly end: (claim: ClaimedJob, how: JobEnd) => Promise<void>;
  /** The job is to run again, not before `delayMs`. Where `counts` is false the attempt, if one began, is taken back. */
  readonly giveBack: (
    claim: ClaimedJob,
    reason: string,
    options: { readonly delayMs?: number; readonly counts: boolean },
  ) => Promise<void>;
  /** Ends the claim. A job that did not begin is as it was before; nothing happens to one that is settled. */
  readonly release: (claim: ClaimedJob) => void;
  /** A job that ended without a result is queued again. Throws `EdgeError` (`usage`) where that cannot be. */
  readonly retry: (id: string) => Promise<void>;
  /** A job that nobody has claimed ends as skipped. Throws `EdgeError` (`usage`) where that cannot be. */
  readonly skip: (id: string) => Promise<void>;
  /** No job of the folder is claimed before it is resumed; one that is claimed goes on. */
  readonly pause: (folder: string) => void;
  readonly resume: (folder: string) => void;
}

/** A job with all that its worker needs: files by path, size and time, itself by a key over place, content and series. */
export interface ClaimedJob {
  readonly job: Job;
  /** The names that its result may have, absolute, the best first; the one that it has, where it has one. */
  readonly outputs: readonly string[];
  /**
   * The names that newer content of its source would have: for each, those made as the first two of `outputs`, from the source's stem
   * and from its full name (of the others none is for this source alone). None where it has a name.
   */
  readonly newer: readonly (readonly [asFirst: string, asSecond: string])[];
  /** The folder that its result goes into. */
  readonly into: string;
  /** The most that its result can take on the disk, uncompressed. */
  readonly resultBytes: number;
}

export interface BegunJob extends ClaimedJob {
  /** What the engine is asked to do: models are named by folder and by the hash of what was verified there. */
  readonly order: DenoiseJobInput;
}

export type JobEnd =
  | { readonly status: "failed" | "parked"; readonly error: ErrorReport }
  | { readonly status: "skipped"; readonly reason: string };

/** A claim that is not extended for so long may go to another worker. */
export const claimMs = 60_000;
