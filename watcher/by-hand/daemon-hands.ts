import { machineError, usageError } from "../../core/errors.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Folder } from "../folder/folder.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { JobQueue } from "../queue/job-queue.ts";
import type { Hands } from "./request.ts";

export interface HandsOptions {
  readonly queue: Pick<JobQueue, "retry" | "skip">;
  readonly ledger: Pick<Ledger, "pausedFolders" | "pauseFolder" | "resumeFolder">;
  readonly mayNote: () => boolean;
  readonly folders: readonly Pick<Folder, "config" | "learn">[];
  readonly log: Pick<DaemonLog, "info">;
}

/** What a person's requests do in a running daemon. Each is kept by the ledger before it is answered. */
export function daemonHands({ queue, ledger, mayNote, folders, log }: HandsOptions): Hands {
  const mustNote = (): void => {
    if (mayNote()) return;
    throw machineError("the ledger cannot be written now", {
      code: "ledger-unusable",
      remedy: "Look at the daemon's state, and try again",
    });
  };
  const mustBeFolder = (name: string): void => {
    if (folders.some(({ config }) => config.name === name)) return;
    throw usageError("no watch folder has this name", {
      code: "folder-unknown",
      found: name,
      allowed: folders.map(({ config }) => config.name).join(", "),
    });
  };
  const ofJob = (act: (id: string) => Promise<void>) => (id: string) => {
    mustNote();
    return act(id);
  };
  const ofFolder = (act: (name: string) => Promise<void>, words: string) => async (name: string) => {
    mustBeFolder(name);
    mustNote();
    await act(name);
    await learnPauses(ledger, folders);
    log.info(`${name} was ${words} by a person`);
  };
  return {
    retry: ofJob(queue.retry),
    skip: ofJob(queue.skip),
    pause: ofFolder(ledger.pauseFolder, "paused"),
    resume: ofFolder(ledger.resumeFolder, "resumed"),
  };
}

/** Tells the folders which of them are paused. */
export async function learnPauses(
  ledger: Pick<Ledger, "pausedFolders">,
  folders: readonly Pick<Folder, "config" | "learn">[],
): Promise<void> {
  const pauses = new Map((await ledger.pausedFolders()).map(({ folder, sinceMs }) => [folder, sinceMs]));
  for (const { config, learn } of folders) {
    const sinceMs = pauses.get(config.name);
    learn({ paused: sinceMs === undefined ? undefined : { since: new Date(sinceMs).toISOString() } });
  }
}
