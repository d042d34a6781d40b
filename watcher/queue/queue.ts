import { dirname } from "node:path";
import { type ErrorReport, errorFromReport, reportOf } from "../../core/errors.ts";
import { hasCode } from "../../core/steering-codes.ts";
import type { DenoiseOutcome, Engine } from "../../runtime/job/denoise-job.ts";
import { resultKindOf } from "../../runtime/job/result-name.ts";
import type { DaemonEvents } from "../events/daemon-events.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "../folder/folder.ts";
import type { SourceLook } from "../folder-io/look-at-source.ts";
import type { Room } from "../folder-io/protocol.ts";
import { isModelFault, isOutputFault, isSourceFault } from "../ledger/held-faults.ts";
import type { Job } from "../ledger/job.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type Model, packagesOf } from "../models/models.ts";
import { inWordsOfFolder } from "./folder-remedy.ts";
import { jobOrder } from "./job-order.ts";
import { outputNames } from "./output-name.ts";
import { isEngineLoss, judgeFailure, sourceRemoved } from "./retry.ts";

/** Gives the engine one job after the other, and writes down how each ended. */
export interface Queue {
  /** Starts no further job; the running one may take `finishMs`, then it is rolled back and queued again. */
  readonly drain: (finishMs: number) => Promise<void>;
}

export interface QueueOptions {
  readonly ledger: Ledger;
  /** Whether the ledger can be written: where it cannot, no job begins. */
  readonly mayNote: () => boolean;
  /** Undefined while no model can run. */
  readonly engine: () => Engine | undefined;
  readonly folders: readonly Folder[];
  readonly mostAttempts: number;
  readonly reserveBytes: number;
  /** A disk that refuses although it claims to have room (a quota) is tried again after this. */
  readonly fullRetryMs: number;
  readonly log: DaemonLog;
  /** As they were verified. */
  readonly models: () => readonly Model[];
  /** Checks the models again after a job met a fault of one; true where one is found to be in fault, whose folder is held. */
  readonly checkModels: () => Promise<boolean>;
  /** Sources of the folder are not moved before the answer is called. */
  readonly holdSources: (folder: Folder) => () => void;
}

/** After each of these a job may be runnable that was not. */
const mayOpenWork = [
  "jobChanged",
  "folderChanged",
  "modelsChecked",
  "engineChanged",
  "ledgerChanged",
] as const satisfies (keyof DaemonEvents)[];

/** A float32 result of 8-bit samples is the most that a result can outgrow its source. */
const float32Bytes = 4;
/** Jobs that wait for a time are looked for so often (milliseconds). */
const lookMs = 1000;
/** A job whose source changes is looked at again after this; its new content replaces it once that is at rest. */
const restDelayMs = 2000;
/** A folder whose disk is full is tried again by its own sweep; this is only the job's place in the ledger. */
const fullDelayMs = 60_000;

/** Tells `jobChanged`, `jobProgressed` and `attemptFailed`; looks for work whenever something may have become runnable. */
export function createQueue(events: Events<DaemonEvents>, options: QueueOptions): Queue {
  const { ledger, folders, log } = options;
  const abort = new AbortController();
  let running: Job | undefined;
  let working: Promise<void> | undefined;
  let draining = false;
  let lookAgain = false;
  /** The folder that was served last stands last, so that no folder starves another. */
  let turns = [...folders];

  async function work(): Promise<void> {
    do {
      lookAgain = false;
      for (let next = await pick(); next !== undefined; next = await pick()) {
        await run(next.job, next.folder);
      }
    } while (lookAgain);
  }

  async function pick(): Promise<{ job: Job; folder: Folder } | undefined> {
    if (draining || !options.mayNote() || options.engine() === undefined) return undefined;
    for (const folder of turns) {
      if (!folder.isOpen()) continue;
      const job = await ledger.peek(folder.config.name, folder.config.order);
      if (job === undefined) continue;
      turns = [...turns.filter((other) => other !== folder), folder];
      return { job, folder };
    }
    return undefined;
  }

  async function run(queued: Job, folder: Folder): Promise<void> {
    const engine = options.engine();
    if (engine === undefined) return;
    const names = namesOfResult(queued, folder);
    const into = folderOfResult(queued, folder);
    try {
      // A folder that vanished since the last sweep starts no job, and a source that is gone needs no room.
      const look = await folder.io.ask("look", { members: queued.members });
      if (!(await isAsAdmitted(queued, look))) return;
      const room = await folder.io.ask("prepare", { into });
      const needed = neededBytes(queued, folder);
      if (room.noFiles || room.freeBytes < needed) {
        await waitForRoom(queued, folder, needed, room);
        return;
      }
      running = await ledger.start(queued.id, names);
      events.tell("jobChanged", running);
      await denoise(engine, running, folder);
    } catch (error) {
      // Not yet started: it stays in the queue, and the folder is not open until its disks answer and take results.
      if (running === undefined) {
        const report = reportOf(error);
        // Nothing begins as long as the ledger cannot be written, which the daemon tells.
        if (hasCode(report, "ledger-unusable")) return;
        if (!closeFolder(folder, report, into, queued)) await setBack(queued, folder, report);
      } else log.error(error, { job: queued.id });
    } finally {
      running = undefined;
    }
  }

  /** Whether there lies what the job was made for. What took its place has a job of its own once it is at rest. */
  async function isAsAdmitted(job: Job, look: SourceLook): Promise<boolean> {
    if (look.kind === "gone") {
      events.tell("jobChanged", await ledger.end(job.id, "skipped", { reason: sourceRemoved }));
      return false;
    }
    const { sizeBytes, mtimeMs } = look.kind === "there" ? look : job;
    if (sizeBytes === job.sizeBytes && mtimeMs === job.mtimeMs) return true;
    await waitFor(job, "the source has changed and is not at rest yet", restDelayMs);
    return false;
  }

  /** Not for the job's fault, so no attempt is counted; one that was not even started has none to take back. */
  async function waitFor(job: Job, reason: string, delayMs: number): Promise<void> {
    const waiting = await ledger.again(job.id, reason, { delayMs, counts: job.status !== "running" });
    const isSaid = job.status === "waiting" && job.reason === reason && waiting.status === "waiting";
    if (!isSaid) events.tell("jobChanged", waiting);
  }

  async function denoise(engine: Engine, job: Job, folder: Folder): Promise<void> {
    let outcome: DenoiseOutcome;
    try {
      outcome = await engine.denoise(jobOrder(job, folder, options.models()), {
        signal: abort.signal,
        onProgress: (progress) => events.tell("jobProgressed", { job, progress }),
      });
    } catch (error) {
      await setBack(job, folder, reportOf(error));
      return;
    }
    const letGo = options.holdSources(folder);
    try {
      const moves = folder.config.moveTo !== undefined;
      // Whoever shows the source holds it from here on.
      events.tell("jobChanged", await ledger.finish(job.id, outcome, moves));
    } finally {
      letGo();
    }
  }

  /** Whether an error of the folder's own process stands for all its jobs; the folder says so then. */
  function closeFolder(
    folder: Folder,
    error: ErrorReport,
    into: string,
    { members, sizeBytes, mtimeMs }: Job,
  ): boolean {
    if (hasCode(error, "folder-unreachable")) folder.learn({ unreachable: error });
    else if (isOutputFault(error)) folder.cannotWrite(error, into, { members, sizeBytes, mtimeMs });
    else return false;
    return true;
  }

  /** What would meet each job of the folder, which then waits, and not only this one; the job goes back as it was. */
  async function heldBy(job: Job, folder: Folder, error: ErrorReport): Promise<ErrorReport | undefined> {
    if (isModelFault(error)) {
      // The clock may have found it before the job did.
      const held = (await options.checkModels()) || folder.facts().modelError !== undefined;
      return held ? error : undefined;
    }
    if (!isOutputFault(error) && error.code !== "disk-full") return undefined;
    const into = folderOfResult(job, folder);
    return folder.io.ask("prepare", { into }).then(
      () => undefined,
      (found: unknown) => (closeFolder(folder, reportOf(found), into, job) ? error : undefined),
    );
  }

  /** What lies in the watch folder where a job's error may come from its source; an error where the folder is not there. */
  async function lookAfter(
    job: Job,
    folder: Folder,
    error: ErrorReport,
  ): Promise<SourceLook | { readonly kind: "held"; readonly error: ErrorReport }> {
    if (!isSourceFault(error)) return { kind: "unknown" };
    return folder.io.ask("look", { members: job.members }).catch((found: unknown) => {
      const report = reportOf(found);
      return closeFolder(folder, report, "", job) ? { kind: "held", error: report } : { kind: "unknown" };
    });
  }

  async function setBack(job: Job, folder: Folder, met: ErrorReport): Promise<void> {
    const error = inWordsOfFolder(met, folder.config.name);
    events.tell("attemptFailed", { job, error });
    await tidyAfter(job, folder, error);
    const look = await lookAfter(job, folder, error);
    if (job.status === "running") {
      const held = look.kind === "held" ? look.error : await heldBy(job, folder, error);
      if (held !== undefined) {
        const reason = `put back, because its folder waits: ${held.message}`;
        events.tell("jobChanged", await ledger.again(job.id, reason, { counts: false }));
        return;
      }
    }
    const verdict = judgeFailure(error, job.attempt, options.mostAttempts, look.kind === "gone");
    if (verdict.kind === "full") {
      const room = await folder.io.ask("prepare", { into: folderOfResult(job, folder) });
      await waitForRoom(job, folder, neededBytes(job, folder), room, error.message);
      return;
    }
    let after: Job;
    if (verdict.kind === "interrupted") {
      after = await ledger.again(job.id, "the daemon was stopped while the job ran", { counts: false });
    } else if (verdict.kind === "again") {
      const reason = `tried again after: ${error.message}`;
      after = await ledger.again(job.id, reason, { delayMs: verdict.delayMs, counts: true });
      log.warn(errorFromReport(error), { job: job.id, folder: folder.config.name });
    } else {
      const reason = verdict.kind === "skipped" ? { reason: verdict.reason } : { error };
      after = await ledger.end(job.id, verdict.kind, reason);
      if (verdict.kind !== "skipped") {
        log.warn(errorFromReport(error), { job: job.id, folder: folder.config.name, ended: true });
      }
    }
    events.tell("jobChanged", after);
  }

  /** An engine that was lost left its half-written result behind, and perhaps no job follows that would remove it. */
  async function tidyAfter(job: Job, folder: Folder, error: ErrorReport): Promise<void> {
    if (!isEngineLoss(error)) return;
    const into = folderOfResult(job, folder);
    // A folder that does not answer is told by its own process, and removes it when that starts again.
    await folder.io.ask("tidy", { into }).catch(() => undefined);
  }

  function folderOfResult(job: Job, folder: Folder): string {
    return dirname(job.output ?? namesOfResult(job, folder)[0] ?? folder.config.output);
  }

  function namesOfResult(job: Job, folder: Folder): string[] {
    const kind = resultKindOf(packagesOf(folder.config, options.models()));
    return outputNames(folder.config.output, job, kind, folder.nameBytes());
  }

  function neededBytes(job: Job, folder: Folder): number {
    const resultBytes = folder.config.dtype === "float32" ? job.voxels * float32Bytes : job.sampleBytes;
    return resultBytes + options.reserveBytes;
  }

  /** `message`: what the engine met, although there may seem to be room. */
  async function waitForRoom(
    job: Job,
    folder: Folder,
    needed: number,
    { freeBytes, noFiles }: Room,
    message?: string,
  ): Promise<void> {
    const refused = message !== undefined && !noFiles && freeBytes >= needed;
    folder.learn({
      full: {
        neededBytes: needed,
        freeBytes,
        noFiles,
        source: { members: job.members, sizeBytes: job.sizeBytes, mtimeMs: job.mtimeMs },
        ...(refused ? { refused: { message, notBeforeMs: performance.now() + options.fullRetryMs } } : {}),
      },
    });
    await waitFor(job, "the disk of the results is full", fullDelayMs);
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
    drain: async (finishMs) => {
      draining = true;
      clearInterval(timer);
      const late = setTimeout(() => abort.abort(), finishMs);
      await working;
      clearTimeout(late);
    },
  };
}
