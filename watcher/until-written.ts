import { setTimeout as sleep } from "node:timers/promises";
import { reportOf } from "../core/errors.ts";
import type { DaemonLog } from "./daemon-log.ts";

const againMs = 1000;

/**
 * What the ledger answers to `write`, asked again each second while it cannot be used, as when its disk is full: what has
 * ended must be written down, or it would count as running until the next start. Told once. Throws any other error, and
 * that one too once `isEnding`: the next start takes up what was running.
 */
export async function untilWritten<Answer>(
  write: () => Promise<Answer>,
  { log, isEnding }: { readonly log: DaemonLog; readonly isEnding: () => boolean },
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (reportOf(error).code !== "ledger-unusable" || isEnding()) throw error;
      if (attempt === 1) log.warn(error);
      await sleep(againMs);
    }
  }
}
