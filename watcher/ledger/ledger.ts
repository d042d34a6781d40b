import { mkdir } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { type ErrorReport, errorFromReport, machineError } from "../../core/errors.ts";
import type { JobStore } from "./job-store.ts";

/** The ledger as the daemon sees it: every operation of the job store, answered by its thread. */
export type Ledger = {
  readonly [Name in keyof JobStore]: (
    ...values: Parameters<JobStore[Name]>
  ) => Promise<Awaited<ReturnType<JobStore[Name]>>>;
} & { readonly close: () => Promise<void> };

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: ErrorReport;
}

const reads = [
  "knownFiles",
  "waitingFiles",
  "peek",
  "nextMove",
  "keptSources",
  "job",
  "counts",
  "unpublished",
  "lastEnded",
  "mountPoint",
  "retainedTopics",
] as const satisfies readonly (keyof JobStore)[];

/** Operations that need room on the disk. */
export const ledgerWrites = [
  "admitWhole",
  "admitBroken",
  "admitRefused",
  "gone",
  "partOf",
  "start",
  "finish",
  "end",
  "again",
  "wake",
  "recover",
  "takeUpHeld",
  "moved",
  "moveLater",
  "wakeMoves",
  "markPublished",
  "rememberMountPoint",
  "rememberRetained",
  "forgetRetained",
  "tryWriting",
] as const satisfies readonly (keyof JobStore)[];
export type LedgerWrite = (typeof ledgerWrites)[number];

/**
 * Opens `ledger.sqlite` in `stateFolder` (made where missing) and holds the folder for this process. Throws
 * `EdgeError` (`machine`): `instance-running` where another daemon holds it, `ledger-unusable` where it cannot be written. `onLost` is called when the ledger's
 * thread dies: nothing can be recorded any more, so the daemon has to end.
 */
export async function openLedger(stateFolder: string, onLost: (error: Error) => void): Promise<Ledger> {
  await mkdir(stateFolder, { recursive: true }).catch((cause: unknown) => {
    throw machineError("the state folder cannot be made", {
      code: "state-folder",
      file: stateFolder,
      remedy: "Check the rights on the folder above it, or set `state` to another one",
      cause,
    });
  });
  const thread = new Worker(new URL("./ledger-thread.js", import.meta.url), { workerData: { stateFolder } });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  let closed = false;
  /** The thread is gone: nobody would answer. */
  let lost: Error | undefined;

  const answered = (id: number): Promise<unknown> =>
    new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  const ask = (operation: string, values: readonly unknown[]): Promise<unknown> => {
    if (lost !== undefined) return Promise.reject(lost);
    // The daemon has ended all that counts; whoever asks now waits for nothing.
    if (closed && operation !== "close") return new Promise(() => undefined);
    lastId += 1;
    const answer = answered(lastId);
    thread.postMessage({ id: lastId, operation, values });
    return answer;
  };

  thread.on("message", ({ id, result, error }: Answer) => {
    const asker = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asker?.resolve(result);
    else asker?.reject(errorFromReport(error));
  });
  const lose = (cause: unknown): void => {
    lost ??= machineError("the ledger's thread ended", {
      code: "ledger-lost",
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: "Start the daemon again; nothing that it has stored is lost",
      cause,
    });
    for (const { reject } of waiting.values()) reject(lost);
    waiting.clear();
    if (!closed) onLost(lost);
  };
  thread.on("error", lose);
  thread.on("exit", (code) => {
    if (!closed) lose(`exit code ${code}`);
  });

  try {
    await answered(0);
  } catch (error) {
    closed = true;
    await thread.terminate();
    throw error;
  }
  const calls = Object.fromEntries(
    [...reads, ...ledgerWrites].map((name) => [name, (...values: unknown[]) => ask(name, values)]),
  ) as unknown as Omit<Ledger, "close">;
  return {
    ...calls,
    close: async () => {
      closed = true;
      if (lost === undefined) await ask("close", []);
      await thread.terminate();
    },
  };
}
