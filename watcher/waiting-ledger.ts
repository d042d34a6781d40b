import { setTimeout as sleep } from "node:timers/promises";
import { type ErrorReport, hasCode, machineError, reportOf } from "../core/errors.ts";
import type { DaemonLog } from "./events/daemon-log.ts";
import type { Events } from "./events/event-map.ts";
import { type Ledger, ledgerReads } from "./ledger/ledger.ts";

export interface WaitingLedgerOptions {
  readonly ledger: Ledger;
  readonly log: Pick<DaemonLog, "info" | "warn">;
  /** It is tried after this also where nothing is to be written. */
  readonly lookMs: number;
}

/** What could not be written is tried again after this. */
const againMs = 1000;

/**
 * The ledger of a daemon at work: while it cannot be written, as when its disk is full, what is to be written waits. Tells
 * `ledgerChanged` whenever the answer of `trouble` is another.
 */
export function createWaitingLedger(events: Events, { ledger, log, lookMs }: WaitingLedgerOptions) {
  const ending = new AbortController();
  let trouble: ErrorReport | undefined;
  /** Kept once it takes writes again; undefined while it does. */
  let taken: Promise<void> | undefined;

  function refuse(error: unknown): void {
    taken ??= untilTaken();
    const { message, remedy = "Look at its disk", ...report } = reportOf(error);
    if (trouble?.message === message) return;
    trouble = { ...report, message, remedy: `${remedy}. The daemon goes on by itself` };
    log.warn(machineError(message, { code: report.code, remedy: trouble.remedy ?? remedy, retryable: true }));
    events.tell("ledgerChanged", trouble);
  }

  async function untilTaken(): Promise<void> {
    while (!ending.signal.aborted) {
      await sleep(againMs, undefined, { signal: ending.signal }).catch(() => undefined);
      const refusal = await ledger.tryWriting().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (!isRefusal(refusal)) {
        if (refusal === undefined) log.info("the ledger can be written again");
        break;
      }
      refuse(refusal);
    }
    [trouble, taken] = [undefined, undefined];
    events.tell("ledgerChanged", trouble);
  }

  /** All go on in the order in which they came. */
  async function written<Answer>(write: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      while (taken !== undefined) await taken;
      try {
        return await write();
      } catch (error) {
        if (!isRefusal(error) || ending.signal.aborted) throw error;
        refuse(error);
      }
    }
  }

  const start: Ledger["start"] = (...values) =>
    ledger.start(...values).catch((error: unknown) => {
      if (isRefusal(error) && !ending.signal.aborted) refuse(error);
      throw error;
    });

  const calls = Object.entries(ledger) as [string, (...values: unknown[]) => Promise<unknown>][];
  const waits = calls
    .filter(([name]) => name !== "close" && !ledgerReads.has(name))
    .map(([name, write]) => [name, (...values: unknown[]) => written(() => write(...values))] as const);
  const timer = setInterval(() => {
    if (taken === undefined) written(ledger.tryWriting).catch(() => undefined);
  }, lookMs);

  return {
    /** As `Ledger`, but writes wait until they are taken. Only `start` is refused: whoever starts a job has looked at its source. */
    ledger: { ...ledger, ...(Object.fromEntries(waits) as Partial<Ledger>), start } as Ledger,
    /** Why nothing can be written now, and what to do; undefined while all is well. */
    trouble: (): ErrorReport | undefined => trouble,
    /** From now on nothing waits: the next start takes up what could not be written. */
    end: (): void => {
      ending.abort();
      clearInterval(timer);
    },
  };
}

function isRefusal(error: unknown): boolean {
  return error !== undefined && hasCode(reportOf(error), "ledger-unusable");
}
