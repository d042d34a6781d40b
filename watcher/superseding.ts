import { basename } from "node:path";
import { backoffMs } from "../core/backoff.ts";
import { machineError } from "../core/errors.ts";
import { present } from "../core/record.ts";
import type { DaemonLog } from "./events/daemon-log.ts";
import type { Events } from "./events/event-map.ts";
import type { Folder } from "./folder/folder.ts";
import { disksAnswer } from "./folder/folder-state.ts";
import type { Job } from "./ledger/job.ts";
import type { Ledger } from "./ledger/ledger.ts";

export interface SupersedingOptions {
  readonly ledger: Pick<Ledger, "nextSuperseded" | "supersededEnded" | "job">;
  /** Whether the ledger can be written. */
  readonly mayNote: () => boolean;
  readonly folders: readonly Folder[];
  readonly log: Pick<DaemonLog, "info" | "warn" | "error">;
}

/** What could not be done is tried again after this, then after twice as long, … */
const pauses = { firstMs: 5000, longestMs: 3_600_000 };

/**
 * Marks or removes results that newer content of their sources has superseded, as the ledger asks for it: after a job that
 * did so, once a folder answers after the start, and again where it failed. Answers what ends it.
 */
export function supersedeResults(events: Events, { ledger, mayNote, folders, log }: SupersedingOptions) {
  let isEnded = false;
  const working = new Set<Folder>();
  const failures = new Map<Folder, number>();
  const timers = new Map<Folder, NodeJS.Timeout>();
  /** Folders that may have something to do. */
  const due = new Set(folders);

  async function work(folder: Folder): Promise<void> {
    while (!isEnded && due.has(folder) && disksAnswer(folder.facts()) && mayNote()) {
      // Before the question: what is asked for meanwhile is due again.
      due.delete(folder);
      const older = await ledger.nextSuperseded(folder.config.name);
      if (older === undefined) continue;
      due.add(folder);
      await supersede(folder, older);
    }
    failures.delete(folder);
  }

  async function supersede(folder: Folder, older: Job): Promise<void> {
    const { outcome, supersededBy } = older;
    const newer = supersededBy && (await ledger.job(supersededBy.job));
    if (outcome === undefined || newer?.outcome === undefined) {
      // A ledger that somebody changed: nobody knows which result is the newer one.
      await ledger.supersededEnded(older.id, "gone");
      return;
    }
    const remove = folder.config.superseded === "remove";
    const { output, outputBytes: bytes, outputLook: look } = outcome;
    const end = await folder.io.ask("supersede", {
      older: { output, job: older.id, bytes, look },
      newer: { output: newer.outcome.output, job: newer.id, sourceSha256: newer.outcome.sourceSha256 },
      remove,
    });
    await ledger.supersededEnded(older.id, end.kind);
    if (end.kind === "gone") return;
    const name = basename(newer.outcome.output);
    log.info(`${output} is superseded by ${name}${end.kind === "removed" ? " and was removed" : ""}`);
    if (end.kind === "marked" && end.kept !== undefined)
      log.warn(notRemoved(output, end.kept), subject(older));
  }

  function begin(folder: Folder): void {
    const isBusy = working.has(folder) || timers.has(folder);
    if (isEnded || isBusy || !due.has(folder) || !disksAnswer(folder.facts()) || !mayNote()) return;
    working.add(folder);
    work(folder)
      .catch((error: unknown) => tryLater(folder, error))
      .finally(() => {
        working.delete(folder);
        begin(folder);
      });
  }

  function tryLater(folder: Folder, error: unknown): void {
    if (isEnded) return;
    due.add(folder);
    const failed = failures.get(folder) ?? 0;
    failures.set(folder, failed + 1);
    // The folder tells by itself where its disk is away.
    if (failed === 0 && disksAnswer(folder.facts())) log.warn(error, { folder: folder.config.name });
    const again = (): void => {
      timers.delete(folder);
      begin(folder);
    };
    timers.set(folder, setTimeout(again, backoffMs(pauses, failed, Math.random())));
  }

  events.on("jobChanged", ({ folder: name, status, supersedes }) => {
    if (status !== "done" || supersedes === undefined) return;
    for (const folder of folders) {
      if (folder.config.name !== name) continue;
      due.add(folder);
      begin(folder);
    }
  });
  events.on("folderChanged", ({ folder: name }) => {
    for (const folder of folders) if (folder.config.name === name) begin(folder);
  });
  events.on("ledgerChanged", () => folders.forEach(begin));

  return (): void => {
    isEnded = true;
    for (const timer of timers.values()) clearTimeout(timer);
  };
}

const subject = ({ id, folder }: Job) => present({ job: id, folder });

function notRemoved(file: string, why: string) {
  return machineError("the superseded result is kept", {
    code: "superseded-kept",
    file,
    found: why,
    remedy: "Remove it yourself where you do not need it; the file beside it names the newer result",
  });
}
