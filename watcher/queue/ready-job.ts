import { type ErrorReport, hasCode, reportOf } from "../../core/errors.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Folder } from "../folder/folder.ts";
import { supersededEnding } from "../folder-io/own-result.ts";
import { isModelFault } from "../ledger/held-faults.ts";
import type { Model } from "../models/models.ts";
import {
  closeFolder,
  contentReplaced,
  type FailedAttemptOptions,
  findsRoom,
  fullDelayMs,
  fullReason,
  sourceRemoved,
} from "./failed-attempt.ts";
import { standingQuestion, verifiedModels } from "./job-order.ts";
import type { ClaimedJob, JobQueue } from "./job-queue.ts";

export interface ReadinessOptions {
  readonly queue: Pick<JobQueue, "end" | "giveBack" | "freeNames" | "recognise">;
  /** As they were verified. */
  readonly models: () => readonly Model[];
  readonly jobs: FailedAttemptOptions["jobs"];
  /** Sources of the folder are not moved before the answer is called. */
  readonly holdSources: (folder: Folder) => () => void;
  readonly log: DaemonLog;
  /** Settles a job whose attempt ended in an error. */
  readonly failed: (claim: ClaimedJob, folder: Folder, error: ErrorReport) => Promise<void>;
  /** Has results of earlier content beside this one marked as superseded. */
  readonly markEarlier: (folder: Folder, output: string) => Promise<void>;
}

const standingNews =
  "results stand here of which the ledger did not know; each is compared with its source, and is not made again";
const anotherJobs = "a result that states this source, model and settings is that of another job";
/** A job whose source changes is looked at again after this; its new content replaces it once that is at rest. */
const restDelayMs = 2000;

/**
 * Finds out whether a claimed job may begin: whether its source is what it was, whether there is room, and whether its
 * result stands already.
 */
export function createReadiness(options: ReadinessOptions) {
  const { queue, log, failed } = options;
  /** Of jobs that wait because their source has changed: what took its place, and since when. */
  const changed = new Map<string, { readonly content: string; readonly sinceMs: number }>();
  /** Folders of which it was told that results stand of which the ledger did not know. */
  const toldStanding = new Set<string>();

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
    // Before the ledger says that the job is done: killed in between, it is known from its result, and comes here again.
    await options.markEarlier(folder, found.outcome.output);
    const letGo = options.holdSources(folder);
    try {
      if (await queue.recognise(claimed, found.outcome)) return undefined;
    } finally {
      letGo();
    }
    await queue.end(claimed, { status: "skipped", reason: anotherJobs });
    return undefined;
  }

  /** A job that cannot begin is settled, or stays as it was. */
  async function cannotBegin(claimed: ClaimedJob, folder: Folder, error: unknown): Promise<void> {
    const report = reportOf(error);
    // Nothing begins as long as the ledger cannot be written, which the daemon tells, or a model is not in order.
    if (hasCode(report, "ledger-unusable") || isModelFault(report)) return;
    // It stays in the queue, and the folder is not open until its disks answer and take results.
    if (closeFolder(folder, report, claimed.into, claimed)) return;
    await failed(claimed, folder, report);
  }

  /** The names that the result may have; undefined where the job is settled, or stays as it was. */
  async function namesFor(claimed: ClaimedJob, folder: Folder): Promise<readonly string[] | undefined> {
    const { into, outputs, newer } = claimed;
    const first = outputs.slice(0, 1);
    // A hundred looks take as long as a small job. Where no rule removes results, the first or its mark stands beside newer
    // ones, unless a person took both away: then one of the next two tells.
    const { superseded, results_keep_days } = folder.config;
    const removes = superseded === "remove" || results_keep_days !== null;
    const marks = first.map((output) => output + supersededEnding);
    const others = removes ? newer.flat() : [...marks, ...newer.slice(0, 2).flat()];
    try {
      // A folder that vanished since the last sweep starts no job, and a source that is gone needs no room.
      if (!(await isAsAdmitted(claimed, folder))) return undefined;
      const room = await folder.io.ask("prepare", {
        into,
        outputs: [...first, ...others],
      });
      // A result that stands needs no room.
      const names = room.isTaken ? await namesLeft(claimed, folder) : outputs;
      if (names === undefined) return undefined;
      if (findsRoom(folder, claimed, room, options.jobs)) return names;
      await queue.giveBack(claimed, fullReason, { delayMs: fullDelayMs, counts: false });
      return undefined;
    } catch (error) {
      await cannotBegin(claimed, folder, error);
      return undefined;
    }
  }

  return { namesFor, cannotBegin };
}
