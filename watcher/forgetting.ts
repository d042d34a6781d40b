import type { DaemonLog } from "./events/daemon-log.ts";
import type { Folder } from "./folder/folder.ts";
import type { Ledger } from "./ledger/ledger.ts";

export interface ForgettingOptions {
  readonly ledger: Pick<Ledger, "oldSources" | "forgetSources">;
  /** Whether the ledger can be written. */
  readonly mayNote: () => boolean;
  readonly folders: readonly Folder[];
  /** `history.keep_days`. */
  readonly keepMs: number;
  readonly everyMs?: number;
  readonly log: Pick<DaemonLog, "warn">;
}

const hourMs = 3_600_000;
/** Looked at together. */
const mostSources = 200;

/**
 * Forgets by rule what the ledger has kept for longer than `keepMs`: sources that have left the watch folder, and of
 * whose results none is left either. Whatever still lies there stays known, so that nothing is done twice. A folder that
 * is held or away is left for the next time. Answers what ends it.
 */
export function forgetOldSources(options: ForgettingOptions): () => void {
  const { ledger, mayNote, folders, keepMs, everyMs = 6 * hourMs, log } = options;
  let isEnded = false;

  async function forgetIn(folder: Folder): Promise<void> {
    const { name } = folder.config;
    for (let after = ""; !isEnded && mayNote() && folder.isOpen(); ) {
      const beforeMs = Date.now() - keepMs;
      const old = await ledger.oldSources(name, beforeMs, after, mostSources);
      const last = old.at(-1);
      if (last === undefined) return;
      after = last.source;
      const left = await folder.io.ask("left", { sources: old });
      if (left.length > 0 && mayNote()) await ledger.forgetSources(name, left, beforeMs);
    }
  }

  async function forget(): Promise<void> {
    for (const folder of folders) await forgetIn(folder).catch(log.warn);
  }

  let working = Promise.resolve();
  const timer = setInterval(() => {
    working = working.then(forget);
  }, everyMs);
  return () => {
    isEnded = true;
    clearInterval(timer);
  };
}
