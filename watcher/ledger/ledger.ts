import { mkdir } from "node:fs/promises";
import { machineError } from "../../core/errors.ts";
import { connect } from "../../runtime/worker/connect.ts";
import { startThread } from "../../runtime/worker/thread-channel.ts";
import type { JobStore } from "./job-store.ts";

/** The ledger as the daemon sees it: every operation of the job store, answered by its thread. */
export type Ledger = {
  readonly [Name in keyof JobStore]: (
    ...values: Parameters<JobStore[Name]>
  ) => Promise<Awaited<ReturnType<JobStore[Name]>>>;
} & { readonly close: () => Promise<void> };

/** What the ledger's thread does. */
export interface LedgerDuties {
  /** Answers the names of all that the store can do. */
  readonly open: { readonly ask: { readonly stateFolder: string }; readonly answer: (keyof JobStore)[] };
  readonly operate: {
    readonly ask: { readonly operation: keyof JobStore; readonly values: readonly unknown[] };
    readonly answer: unknown;
  };
  readonly close: { readonly ask: undefined; readonly answer: undefined };
}

/** Operations that write nothing: a full disk, or a program that holds the ledger, does not keep them. */
export const ledgerReads: ReadonlySet<string> = new Set([
  "knownFiles",
  "waitingFiles",
  "oldSources",
  "peek",
  "freeNames",
  "nextMove",
  "nextSuperseded",
  "oldResults",
  "keptSources",
  "job",
  "counts",
  "unpublished",
  "lastEnded",
  "mountPoint",
  "retainedTopics",
  "pausedFolders",
] satisfies (keyof JobStore)[]);

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
  let closed = false;
  /** The thread ended before it was asked to: nobody would answer. */
  let lost = false;
  const thread = startThread(new URL("./ledger-thread.ts", import.meta.url));
  const store = connect<LedgerDuties, object>(thread, {}, ({ how, cause }) => {
    const error = machineError("the ledger's thread ended", {
      code: "ledger-lost",
      found: how,
      remedy: "Start the daemon again; nothing that it has stored is lost",
      cause,
    });
    if (!closed) {
      lost = true;
      onLost(error);
    }
    return error;
  });
  const call =
    (operation: keyof JobStore) =>
    (...values: unknown[]): Promise<unknown> =>
      // The daemon has ended all that counts; whoever asks now waits for nothing.
      closed && !lost ? new Promise(() => undefined) : store.ask("operate", { operation, values });
  try {
    const operations = await store.ask("open", { stateFolder });
    const calls = Object.fromEntries(operations.map((name) => [name, call(name)]));
    return {
      ...(calls as unknown as Omit<Ledger, "close">),
      close: async () => {
        closed = true;
        if (!lost) await store.ask("close", undefined);
        await thread.terminate();
      },
    };
  } catch (error) {
    closed = true;
    await thread.terminate();
    throw error;
  }
}
