import { join } from "node:path";
import { machineError } from "../../core/errors.ts";
import { connect } from "../../runtime/worker/connect.ts";
import { parentOfThread } from "../../runtime/worker/thread-channel.ts";
import { type Database, holdLock, instanceLock, ledgerName, openDatabase } from "./database.ts";
import { createJobStore, type JobStore } from "./job-store.ts";
import type { LedgerDuties } from "./ledger.ts";

/** The thread that owns the ledger: a sync of the disk may take long, and the daemon's loop must not wait. */

interface Opened {
  readonly database: Database;
  readonly store: JobStore;
  readonly release: () => void;
}

let opened: Opened | undefined;

function atHand(): Opened {
  if (opened === undefined) throw new Error("the ledger is not open");
  return opened;
}

connect<object, LedgerDuties>(parentOfThread(), {
  open: ({ stateFolder }) => {
    const release = lockInstance(join(stateFolder, instanceLock));
    const database = openDatabase(join(stateFolder, ledgerName));
    const store = createJobStore(database, Date.now);
    opened = { database, store, release };
    return Object.keys(store) as (keyof JobStore)[];
  },
  operate: ({ operation, values }) =>
    (atHand().store[operation] as (...values: readonly unknown[]) => unknown)(...values),
  close: () => {
    const { database, release } = atHand();
    database.close();
    release();
  },
});

function lockInstance(file: string): () => void {
  const release = holdLock(file);
  if (release !== undefined) return release;
  throw machineError("another cnnt-edge watch is running on this state folder", {
    code: "instance-running",
    file,
    remedy: "Stop it first (systemctl status cnnt-edge, or ps), or give this one its own instance and state",
  });
}
