import { setTimeout as sleep } from "node:timers/promises";
import { type EdgeError, isDenied, machineError, systemCode } from "../../core/errors.ts";
import { isRunning } from "../../formats/file/partial-name.ts";
import {
  type FoundLease,
  type LeaseHolder,
  leaseFile,
  makeLease,
  newestLease,
  nextGeneration,
  removeLease,
  renewLease,
} from "./lease-file.ts";
import { lookAtFileSystem } from "./mounted-disk.ts";

/**
 * One folder's lease: of all daemons that reach it, only the one that holds it works on it. Clocks of several machines are never
 * compared: a lease counts as left when it has not changed for `leftAfterMs` of the looker's own clock.
 */

export interface LeaseTimes {
  /** A lease that was renewed so long ago is renewed before anything is done with the folder. */
  readonly renewMs: number;
  readonly leftAfterMs: number;
  /** Some clients of shares make a file that another one has just made as if it were new: so long after that it is looked at again. */
  readonly confirmMs: number;
}

export const leaseTimes: LeaseTimes = { renewMs: 10_000, leftAfterMs: 60_000, confirmMs: 1000 };

/** What a daemon may do with a folder. */
export type Hold =
  | { readonly kind: "held" }
  /** It was taken over, and the daemon before may still count on it for a moment. */
  | { readonly kind: "waiting" }
  /** No lease can be written there: other daemons would not be noticed. */
  | { readonly kind: "unguarded"; readonly found: string };

export type Lease = ReturnType<typeof createLease>;

/** `now`: milliseconds of a clock that never goes back. */
export function createLease(
  folder: string,
  own: LeaseHolder,
  times: LeaseTimes,
  now: () => number,
  isOnShare: (folder: string) => Promise<boolean> = isShare,
) {
  /**
   * `fromMs`: a daemon that stalled, and goes on in the moment in which it is taken over, may count on the folder for `renewMs`
   * more. Nothing is done with the folder before.
   */
  let held: { readonly generation: number; readonly renewedMs: number; readonly fromMs: number } | undefined;
  /** Of another daemon, as it was first seen. */
  let seen: { readonly text: string; readonly sinceMs: number } | undefined;
  let wasHeld = false;
  let running: Promise<Hold> | undefined;

  /**
   * Takes the folder, or shows that it is still held. Throws `EdgeError` (`machine`, `folder-leased`) where another daemon
   * holds it; `folder-lease-lost` where that may be.
   */
  function hold(): Promise<Hold> {
    const nowMs = now();
    const isFresh = held !== undefined && nowMs >= held.fromMs && nowMs - held.renewedMs < times.renewMs;
    if (isFresh) return Promise.resolve({ kind: "held" });
    running ??= renewOrTake().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function renewOrTake(): Promise<Hold> {
    if (held === undefined) return take();
    const { generation, renewedMs, fromMs } = held;
    const startMs = now();
    let isOwn: boolean;
    try {
      isOwn = await renewLease(folder, generation, own);
    } catch (error) {
      if (startMs - renewedMs < times.leftAfterMs / 2 && startMs >= fromMs) return { kind: "held" };
      if (!isReadOnly(error)) throw notRenewed(folder, error);
      return unguarded(error);
    }
    if (isOwn) return taken({ generation, renewedMs: startMs, fromMs });
    held = undefined;
    return take();
  }

  function taken(lease: NonNullable<typeof held>): Hold {
    held = lease;
    seen = undefined;
    wasHeld = true;
    return { kind: now() < lease.fromMs ? "waiting" : "held" };
  }

  async function take(): Promise<Hold> {
    const startMs = now();
    let newest: FoundLease | undefined;
    try {
      newest = await newestLease(folder);
    } catch (error) {
      return unguarded(error);
    }
    const mine = { renewedMs: startMs, fromMs: startMs };
    // The process that looks after the folder was started again.
    if (newest?.holder?.token === own.token) return taken({ ...mine, generation: newest.generation });
    const isFree = newest === undefined || isSurelyGone(newest.holder);
    if (newest !== undefined && !isFree) refuseUnlessLeft(newest, startMs);
    let generation: number | undefined;
    let isMade: boolean;
    try {
      generation = await nextGeneration(folder, newest);
      if (generation === undefined) return { kind: "unguarded", found: "no number is left for a lease" };
      isMade = await makeLease(folder, generation, own);
    } catch (error) {
      return unguarded(error);
    }
    if (isMade && (await isConfirmed(generation))) {
      return taken({ generation, ...mine, ...(!isFree && { fromMs: now() + times.renewMs }) });
    }
    seen = undefined;
    throw heldByAnother(folder, undefined, times, own);
  }

  /** Whether the lease that was just made is still its own once others would have written over it. */
  async function isConfirmed(generation: number): Promise<boolean> {
    if (!(await isOnShare(folder))) return true;
    await sleep(times.confirmMs);
    return renewLease(folder, generation, own).catch(() => false);
  }

  function isSurelyGone(holder: LeaseHolder | undefined): boolean {
    if (holder === undefined) return false;
    // Its own predecessor; only once, because a copy of this machine would look the same.
    if (!wasHeld && holder.daemon === own.daemon) return true;
    return own.machine !== "" && holder.machine === own.machine && !isRunning(holder.pid);
  }

  /** Throws unless its holder has shown no sign of life for long enough. */
  function refuseUnlessLeft({ generation, text, holder }: FoundLease, atMs: number): void {
    if (seen?.text !== text) seen = { text, sinceMs: atMs };
    if (atMs - seen.sinceMs >= times.leftAfterMs) return;
    if (holder === undefined) throw unreadable(leaseFile(folder, generation), times);
    throw heldByAnother(folder, holder, times, own);
  }

  return {
    hold,
    /** Throws as `hold` where another daemon holds the folder; takes nothing. What the disk refuses is met by `hold`. */
    look: async (): Promise<void> => {
      if (held !== undefined) return;
      const startMs = now();
      const newest = await newestLease(folder).catch(() => undefined);
      if (newest === undefined || newest.holder?.token === own.token || isSurelyGone(newest.holder)) return;
      refuseUnlessLeft(newest, startMs);
    },
    /** Shows that the holder is alive, where it holds the folder. Throws as `hold` where it has lost it to another daemon. */
    keep: async (): Promise<void> => {
      if (held !== undefined) await hold();
    },
    /**
     * Lets the next daemon take it at once. Not while the daemon before may still count on the folder: the next one would not
     * wait for that.
     */
    release: async (): Promise<void> => {
      await running?.catch(() => undefined);
      if (held === undefined || now() < held.fromMs) return;
      const { generation } = held;
      held = undefined;
      if ((await newestLease(folder).catch(() => undefined))?.holder?.token === own.token) {
        await removeLease(folder, generation);
      }
    },
  };
}

async function isShare(folder: string): Promise<boolean> {
  return lookAtFileSystem(folder).then(
    ({ mode }) => !mode.events,
    () => true,
  );
}

function unguarded(error: unknown): Hold {
  return { kind: "unguarded", found: systemCode(error) ?? "unknown" };
}

function isReadOnly(error: unknown): boolean {
  return isDenied(error) || systemCode(error) === "EROFS";
}

export function heldByAnother(
  file: string,
  holder: LeaseHolder | undefined,
  times: LeaseTimes,
  own: LeaseHolder,
): EdgeError {
  const what = holder?.host === own.host ? "another daemon of this machine" : "another workstation";
  const message =
    holder === undefined
      ? "another daemon works on the folder, or did until now"
      : `${what} works on the folder: instance ${holder.instance} on ${holder.host}, since ${holder.since} by its clock`;
  return machineError(message, {
    code: "folder-leased",
    file,
    remedy: `Stop that daemon, or give this one another folder. This one goes on by itself once that one has stopped, or has shown no sign of life for about ${takenAfterS(times)} s`,
    retryable: true,
  });
}

/** A daemon makes the file before it writes into it. */
function unreadable(file: string, times: LeaseTimes): EdgeError {
  return machineError(
    "the folder may be another daemon's, because this file is there, and it does not say whose the folder is",
    {
      code: "folder-leased",
      file,
      remedy: `Wait: if nothing writes into the file, it counts as left, and this daemon takes the folder in about ${takenAfterS(times)} s. If you know that no other daemon works on the folder, remove the file`,
      retryable: true,
    },
  );
}

const takenAfterS = ({ leftAfterMs, renewMs }: LeaseTimes): number => (leftAfterMs + renewMs) / 1000;

function notRenewed(file: string, cause: unknown): EdgeError {
  return machineError(
    "another workstation may have taken the folder, because this one could not show that it is alive",
    {
      code: "folder-lease-lost",
      file,
      found: systemCode(cause) ?? "unknown",
      remedy: "Check the disk or the share, and its room; the daemon goes on by itself",
      retryable: true,
      cause,
    },
  );
}
