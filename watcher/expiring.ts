import { machineError } from "../core/errors.ts";
import type { DaemonLog } from "./events/daemon-log.ts";
import type { Folder } from "./folder/folder.ts";
import { disksAnswer } from "./folder/folder-state.ts";
import type { Job } from "./ledger/job.ts";
import type { Ledger } from "./ledger/ledger.ts";

export interface ExpiringOptions {
  readonly ledger: Pick<Ledger, "oldResults" | "resultExpired">;
  /** Whether the ledger can be written. */
  readonly mayNote: () => boolean;
  readonly folders: readonly Folder[];
  readonly log: Pick<DaemonLog, "info" | "warn">;
  readonly everyMs?: number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Asked for together. */
const mostJobs = 200;

/**
 * Removes results that were kept for as long as their folder says (`results_keep_days`), if nobody has changed them. Each is looked at once. A
 * folder whose disks do not answer is left for the next time. Answers what ends it.
 */
export function expireResults({ ledger, mayNote, folders, log, everyMs = hourMs }: ExpiringOptions) {
  let isEnded = false;

  async function expire(folder: Folder, { id, outcome }: Job): Promise<void> {
    if (outcome === undefined) return;
    const { output, outputBytes: bytes, outputLook: look } = outcome;
    const end = await folder.io.ask("expire", { output, job: id, bytes, look });
    await ledger.resultExpired(id, end.kind);
    if (end.kind === "removed") log.info(`${output} was removed: it is older than results_keep_days`);
    if (end.kind === "kept") log.warn(kept(output, end.why), { folder: folder.config.name, job: id });
  }

  async function expireIn(folder: Folder): Promise<void> {
    const { name, results_keep_days: keepDays } = folder.config;
    if (keepDays === null) return;
    const mayGoOn = (): boolean => !isEnded && mayNote() && disksAnswer(folder.facts());
    while (mayGoOn()) {
      const old = await ledger.oldResults(name, Date.now() - keepDays * dayMs, mostJobs);
      if (old.length === 0) return;
      for (const job of old) if (mayGoOn()) await expire(folder, job);
    }
  }

  let working = Promise.resolve();
  const timer = setInterval(() => {
    working = working.then(async () => {
      for (const folder of folders) await expireIn(folder).catch(log.warn);
    });
  }, everyMs);
  return (): void => {
    isEnded = true;
    clearInterval(timer);
  };
}

function kept(file: string, why: string) {
  return machineError("the result is kept, although its time is over", {
    code: "result-kept",
    file,
    found: why,
    remedy: "Remove it yourself where you do not need it; the daemon does not look at it again",
  });
}
