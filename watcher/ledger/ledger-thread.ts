import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { machineError, reportOf } from "../../core/errors.ts";
import { holdLock, openDatabase } from "./database.ts";
import { createJobStore, type JobStore } from "./job-store.ts";

/** The thread that owns the ledger: a sync of the disk may take long, and the daemon's loop must not wait. */

export interface LedgerRequest {
  readonly id: number;
  readonly operation: keyof JobStore | "close";
  readonly values: readonly unknown[];
}

const { stateFolder } = workerData as { stateFolder: string };

function serve(): void {
  if (parentPort === null) return;
  const port = parentPort;
  const answer = (id: number, act: () => unknown): void => {
    try {
      port.postMessage({ id, result: act() });
    } catch (error) {
      port.postMessage({ id, error: reportOf(error) });
    }
  };
  answer(0, () => {
    const release = lockInstance();
    const database = openDatabase(join(stateFolder, "ledger.sqlite"));
    const store = createJobStore(database, Date.now);
    port.on("message", ({ id, operation, values }: LedgerRequest) => {
      answer(id, () => {
        if (operation !== "close") return (store[operation] as (...values: unknown[]) => unknown)(...values);
        database.close();
        release();
        return undefined;
      });
    });
  });
}

function lockInstance(): () => void {
  const file = join(stateFolder, "instance.lock");
  const release = holdLock(file);
  if (release !== undefined) return release;
  throw machineError("another cnnt-edge watch is running on this state folder", {
    code: "instance-running",
    file,
    remedy: "Stop it first (systemctl status cnnt-edge, or ps), or give this one its own instance and state",
  });
}

serve();
