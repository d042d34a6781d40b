import { reportOf } from "../../core/errors.ts";
import type { DenoiseOutcome, Engine } from "../../runtime/job/denoise-job.ts";
import type { DaemonEvents } from "../events/daemon-events.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "../folder/folder.ts";
import type { Model } from "../models/models.ts";
import { createEarlierMarks } from "./earlier-results.ts";
import { createFailedAttempts, type FailedAttemptOptions } from "./failed-attempt.ts";
import { type BegunJob, type ClaimedJob, claimMs, type JobQueue } from "./job-queue.ts";
import { createReadiness } from "./ready-job.ts";

export interface WorkerOptions extends FailedAttemptOptions {
  readonly queue: JobQueue;
  /** Undefined while no model can run. */
  readonly engine: () => Engine | undefined;
  readonly folders: readonly Folder[];
  /** As they were verified. */
  readonly models: () => readonly Model[];
  /** Sources of the folder are not moved before the answer is called. */
  readonly holdSources: (folder: Folder) => () => void;
  readonly log: DaemonLog;
}

/** After each of these a job may be runnable that was not. */
const mayOpenWork = [
  "jobChanged",
  "folderChanged",
  "modelsChecked",
  "engineChanged",
  "ledgerChanged",
] as const satisfies (keyof DaemonEvents)[];

/** Jobs that wait for a time are looked for so often (milliseconds). */
const lookMs = 1000;
/** What was seen of the next job while the engine was at work is looked at again after this. */
const freshMs = 1000;

/** A claimed job that is being looked at. */
interface Candidate {
  readonly claimed: ClaimedJob;
  readonly folder: Folder;
  /** The names that its result may have; undefined where it does not begin. */
  readonly names: Promise<readonly string[] | undefined>;
}

/**
 * Gives the engine one job of the queue after the other, and says how each ended. Looks for work whenever something may
 * have become runnable.
 */
export function createWorker(events: Events, options: WorkerOptions) {
  const { queue, folders, log } = options;
  const failed = createFailedAttempts(events, options);
  const markEarlier = createEarlierMarks(folders, log);
  const readiness = createReadiness({ ...options, failed, markEarlier });
  const abort = new AbortController();
  let working: Promise<void> | undefined;
  let draining = false;
  let lookAgain = false;

  async function work(): Promise<void> {
    do {
      lookAgain = false;
      let next = await take();
      while (next !== undefined) next = await run(next);
    } while (lookAgain);
  }

  /** Claims the next job and begins to look at it. */
  async function take(): Promise<Candidate | undefined> {
    if (draining || options.engine() === undefined) return undefined;
    const claimed = await queue.claim();
    const folder = folders.find(({ config }) => config.name === claimed?.job.folder);
    if (claimed === undefined || folder === undefined) return undefined;
    const names = readiness.namesFor(claimed, folder);
    // It is heard when the job's turn comes.
    names.catch(() => undefined);
    return { claimed, folder, names };
  }

  /**
   * Looks at the next job while the engine is at work, so that jobs of milliseconds do not wait for the disk in between. The
   * answer gives it, or, where what was seen has become too old, another that is looked at then.
   */
  function takeAhead(): () => Promise<Candidate | undefined> {
    const ahead = take();
    ahead.catch(() => undefined);
    const letGo = async (): Promise<void> => {
      const candidate = await ahead;
      await candidate?.names.catch(() => undefined);
      if (candidate !== undefined) queue.release(candidate.claimed);
    };
    let gone: Promise<void> | undefined;
    const old = setTimeout(() => {
      gone = letGo();
      gone.catch(() => undefined);
    }, freshMs);
    return async () => {
      clearTimeout(old);
      const candidate = await ahead;
      if (gone === undefined && candidate?.folder.isOpen()) return candidate;
      await (gone ?? letGo());
      return take();
    };
  }

  /** Answers the job that follows. */
  async function run({ claimed, folder, names }: Candidate): Promise<Candidate | undefined> {
    let mine = claimed;
    let following = take;
    const stay = setInterval(() => queue.extend(mine), claimMs / 3);
    try {
      const outputs = await names;
      const engine = options.engine();
      const begun = engine && outputs && !draining ? await begin(claimed, folder, outputs) : undefined;
      if (engine !== undefined && begun !== undefined) {
        mine = begun;
        following = takeAhead();
        await denoise(
          engine,
          begun,
          folder,
          begun.job.attempt > 1 || begun.job.output !== claimed.outputs[0],
        );
      }
    } catch (error) {
      // One that did not begin is the next again: not at once.
      if (mine === claimed) throw error;
      log.error(error, { job: claimed.job.id });
    } finally {
      clearInterval(stay);
      queue.release(mine);
    }
    return following();
  }

  async function begin(
    claimed: ClaimedJob,
    folder: Folder,
    names: readonly string[],
  ): Promise<BegunJob | undefined> {
    try {
      return await queue.begin(claimed, names);
    } catch (error) {
      await readiness.cannotBegin(claimed, folder, error);
      return undefined;
    }
  }

  /** `besideOthers`: results may stand of which the ledger does not know. */
  async function denoise(
    engine: Engine,
    begun: BegunJob,
    folder: Folder,
    besideOthers: boolean,
  ): Promise<void> {
    let outcome: DenoiseOutcome;
    try {
      outcome = await engine.denoise(begun.order, {
        signal: abort.signal,
        onProgress: (progress) => queue.progress(begun, progress),
      });
    } catch (error) {
      return failed(begun, folder, reportOf(error));
    }
    if (besideOthers) await markEarlier(folder, outcome.output);
    const letGo = options.holdSources(folder);
    try {
      // Whoever shows the source holds it from here on.
      await queue.acknowledge(begun, outcome);
    } finally {
      letGo();
    }
  }

  function lookForWork(): void {
    lookAgain = true;
    if (draining) return;
    working ??= work()
      .catch((error: unknown) => log.error(error))
      .finally(() => {
        working = undefined;
        if (lookAgain) lookForWork();
      });
  }

  for (const name of mayOpenWork) events.on(name, lookForWork);
  const timer = setInterval(lookForWork, lookMs);

  return {
    /** Starts no further job; the running one may take `finishMs`, then it is rolled back and queued again. */
    drain: async (finishMs: number): Promise<void> => {
      draining = true;
      clearInterval(timer);
      const late = setTimeout(() => abort.abort(), finishMs);
      await working;
      clearTimeout(late);
    },
  };
}
