import { hasCode, reportOf } from "../../core/errors.ts";
import type { DenoiseOutcome, Engine } from "../../runtime/job/denoise-job.ts";
import type { DaemonEvents } from "../events/daemon-events.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "../folder/folder.ts";
import { isModelFault } from "../ledger/held-faults.ts";
import type { Model } from "../models/models.ts";
import {
  closeFolder,
  contentReplaced,
  createFailedAttempts,
  type FailedAttemptOptions,
  findsRoom,
  fullDelayMs,
  fullReason,
  sourceRemoved,
} from "./failed-attempt.ts";
import { standingQuestion, verifiedModels } from "./job-order.ts";
import { type BegunJob, type ClaimedJob, claimMs, type JobQueue } from "./job-queue.ts";

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
const standingNews =
  "results stand here of which the ledger did not know; each is compared with its source, and is not made again";
const anotherJobs = "a result that states this source, model and settings is that of another job";
/** A job whose source changes is looked at again after this; its new content replaces it once that is at rest. */
const restDelayMs = 2000;

/**
 * Gives the engine one job of the queue after the other, and says how each ended. Looks for work whenever something may
 * have become runnable.
 */
export function createWorker(events: Events, options: WorkerOptions) {
  const { queue, folders, log } = options;
  const failed = createFailedAttempts(events, options);
  const abort = new AbortController();
  let working: Promise<void> | undefined;
  let draining = false;
  let lookAgain = false;

  async function work(): Promise<void> {
    do {
      lookAgain = false;
      for (let next = await claim(); next !== undefined; next = await claim()) await run(next);
    } while (lookAgain);
  }

  /** Of jobs that wait because their source has changed: what took its place, and since when. */
  const changed = new Map<string, { readonly content: string; readonly sinceMs: number }>();

  async function claim(): Promise<ClaimedJob | undefined> {
    return draining || options.engine() === undefined ? undefined : queue.claim();
  }

  async function run(claimed: ClaimedJob): Promise<void> {
    const folder = folders.find(({ config }) => config.name === claimed.job.folder);
    const engine = options.engine();
    let mine = claimed;
    const stay = setInterval(() => queue.extend(mine), claimMs / 3);
    try {
      if (folder === undefined || engine === undefined) return;
      const begun = await begin(claimed, folder);
      if (begun === undefined) return;
      mine = begun;
      await denoise(engine, begun, folder, begun.job.attempt > 1 || begun.job.output !== claimed.outputs[0]);
    } catch (error) {
      // One that did not begin is the next again: not at once.
      if (mine === claimed) throw error;
      log.error(error, { job: claimed.job.id });
    } finally {
      clearInterval(stay);
      queue.release(mine);
    }
  }

  /** Begins a job where its source and its room are found in order; else it is settled, or stays as it was. */
  async function begin(claimed: ClaimedJob, folder: Folder): Promise<BegunJob | undefined> {
    const { into } = claimed;
    try {
      // A folder that vanished since the last sweep starts no job, and a source that is gone needs no room.
      if (!(await isAsAdmitted(claimed, folder))) return undefined;
      const { outputs, newer } = claimed;
      const room = await folder.io.ask("prepare", {
        into,
        outputs: [...outputs.slice(0, 1), ...newer.flat()],
      });
      // A result that stands needs no room.
      const names = room.isTaken ? await namesLeft(claimed, folder) : outputs;
      if (names === undefined) return undefined;
      if (!findsRoom(folder, claimed, room, options.jobs)) {
        await queue.giveBack(claimed, fullReason, { delayMs: fullDelayMs, counts: false });
        return undefined;
      }
      return await queue.begin(claimed, names);
    } catch (error) {
      const report = reportOf(error);
      // Nothing begins as long as the ledger cannot be written, which the daemon tells, or a model is not in order.
      if (hasCode(report, "ledger-unusable") || isModelFault(report)) return undefined;
      // It stays in the queue, and the folder is not open until its disks answer and take results.
      if (closeFolder(folder, report, into, claimed)) return undefined;
      await failed(claimed, folder, report);
      return undefined;
    }
  }

  /** Folders of which it was told that results stand of which the ledger did not know. */
  const toldStanding = new Set<string>();

  /**
   * The names that the result may have where something lies under the best of them, or one for newer content; undefined where the job is settled: its
   * result stands, or what lies there is left alone.
   */
  async function namesLeft(claimed: ClaimedJob, folder: Folder): Promise<readonly string[] | undefined> {
    const { name } = folder.config;
    const free = await queue.freeNames(claimed);
    const question = standingQuestion(claimed, free, folder, verifiedModels(folder, options.models()));
    const found = await folder.io.ask("standing", question);
    if (found.kind === "run") return found.outputs;
    if (found.kind === "left-alone") {
      await queue.end(claimed, { status: "skipped", reason: found.reason });
      return undefined;
    }
    if (!toldStanding.has(name)) {
      toldStanding.add(name);
      log.info(`${name}: ${standingNews}`);
    }
    await markEarlier(folder, found.outcome.output);
    const letGo = options.holdSources(folder);
    try {
      if (await queue.recognise(claimed, found.outcome)) return undefined;
    } finally {
      letGo();
    }
    await queue.end(claimed, { status: "skipped", reason: anotherJobs });
    return undefined;
  }

  /** Before the ledger says that the job is done: killed in between, it is known from its result, and comes here again. */
  async function markEarlier(folder: Folder, output: string): Promise<void> {
    // A source of the same name in another folder may have its result beside it.
    const isBelow = (one: Folder, other: Folder): boolean =>
      `${one.config.output}/`.startsWith(`${other.config.output}/`);
    const others = folders.filter((other) => other !== folder);
    if (others.some((other) => isBelow(other, folder) || isBelow(folder, other))) return;
    const anew = folder.config.superseded === "remove";
    await folder.io
      .ask("markEarlier", { output, anew })
      .catch((error: unknown) => log.warn(error, { folder: folder.config.name }));
  }

  /** For how long the same other content lies where the job's source was. */
  function restsForMs(id: string, content: string): number {
    const before = changed.get(id);
    const sinceMs = before?.content === content ? before.sinceMs : performance.now();
    changed.set(id, { content, sinceMs });
    return performance.now() - sinceMs;
  }

  /** Whether there lies what the job was made for. What took its place has a job of its own once it is at rest. */
  async function isAsAdmitted(claimed: ClaimedJob, folder: Folder): Promise<boolean> {
    const { job } = claimed;
    const look = await folder.io.ask("look", { members: job.members });
    if (look.kind === "gone") {
      await queue.end(claimed, { status: "skipped", reason: sourceRemoved });
      return false;
    }
    const { sizeBytes, mtimeMs } = look.kind === "there" ? look : job;
    if (sizeBytes === job.sizeBytes && mtimeMs === job.mtimeMs) {
      changed.delete(job.id);
      return true;
    }
    const { broken_s, zero_tail_s } = folder.settle;
    if (restsForMs(job.id, `${sizeBytes} ${mtimeMs}`) > 1000 * Math.max(broken_s, zero_tail_s)) {
      changed.delete(job.id);
      // As a set of which one file was replaced by a damaged one: that file's own job says so.
      await queue.end(claimed, { status: "skipped", reason: contentReplaced });
      return false;
    }
    const reason = "the source has changed and is not at rest yet";
    await queue.giveBack(claimed, reason, { delayMs: restDelayMs, counts: false });
    return false;
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
