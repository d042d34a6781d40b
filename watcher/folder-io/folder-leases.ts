import { setTimeout as sleep } from "node:timers/promises";
import { interrupted } from "../../runtime/job/interrupted.ts";
import { createLease, type Hold, heldByAnother, type Lease, leaseTimes } from "./lease.ts";
import type { LeaseHolder } from "./lease-file.ts";
import type { FolderSettings } from "./protocol.ts";

/**
 * The leases of a watch folder and of its results: whoever works on it holds both. A daemon that loses one, or cannot take it,
 * gives the other one back: two daemons that each held one would wait for each other for ever.
 */

export type FolderLeases = ReturnType<typeof createFolderLeases>;

/** A daemon that took one folder and not the other waits up to so many times the time in which others may do the same. */
const waitPerConfirm = 4;

export function createFolderLeases(
  { path, output }: Pick<FolderSettings, "path" | "output">,
  holder: LeaseHolder,
  times = leaseTimes,
  now = (): number => performance.now(),
) {
  const watched = createLease(path, holder, times, now);
  const results = createLease(output, holder, times, now);
  let last: Promise<unknown> = Promise.resolve();
  /** The last try took the watch folder, and another daemon the results at the same time. */
  let wasCrossed = false;
  /** It is the end: a lease that a sweep took after this would stay. */
  let isReleased = false;

  /** One thing at a time: what one gives back the other would count on. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(() => (isReleased ? Promise.reject(interrupted()) : work()));
    last = turn.catch(() => undefined);
    return turn;
  }

  async function orGiveBack<T>(other: Lease, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      await other.release();
      throw error;
    }
  }

  async function onBoth(work: (lease: Lease) => Promise<unknown>): Promise<void> {
    const ends = await Promise.allSettled([
      orGiveBack(results, work(watched)),
      orGiveBack(watched, work(results)),
    ]);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  /**
   * Both are looked at before one is taken: those of a daemon that went count as left at the same time, and nobody is kept
   * from a watch folder by one that cannot work on it.
   */
  async function holdBoth(): Promise<string | undefined> {
    // Others that took them in another order, and failed at the same time, would fail at the same time again.
    if (wasCrossed) await sleep(Math.random() * waitPerConfirm * times.confirmMs);
    wasCrossed = false;
    await onBoth((lease) => lease.look());
    const one = await orGiveBack(results, watched.hold());
    wasCrossed = true;
    const other = await orGiveBack(watched, results.hold());
    wasCrossed = false;
    return answer(one, other);
  }

  async function holdWatched(): Promise<string | undefined> {
    return answer(await orGiveBack(results, watched.hold()), { kind: "held" });
  }

  function answer(one: Hold, other: Hold): string | undefined {
    if (one.kind === "waiting") throw heldByAnother(path, undefined, times, holder);
    if (other.kind === "waiting") throw heldByAnother(output, undefined, times, holder);
    return unguardedWords(one, other);
  }

  return {
    /**
     * Takes both, or shows that they are still held; only that of the watch folder unless `outputIsThere`. Answers why no
     * other daemon can be noticed; undefined where one can. Throws `EdgeError` (`machine`, `folder-leased`) where another
     * daemon holds one, or may still count on it; else as `Lease.hold`.
     */
    hold: (outputIsThere: boolean): Promise<string | undefined> =>
      inTurn(outputIsThere ? holdBoth : holdWatched),
    /** Each is renewed also while a sweep takes long. What it throws is met by the next `hold`. */
    keep: (): NodeJS.Timeout =>
      setInterval(() => {
        inTurn(() => onBoth((lease) => lease.keep())).catch(() => undefined);
      }, times.renewMs / 2),
    /** Gives both back. Nothing is held after this: whoever asks is told that the work was interrupted. */
    release: (): Promise<void> =>
      inTurn(async () => {
        isReleased = true;
        await Promise.all([watched, results].map((lease: Lease) => lease.release()));
      }),
  };
}

/** One of the two is enough for those who share both, and a service may only read its watch folder. */
function unguardedWords(watched: Hold, results: Hold): string | undefined {
  if (watched.kind !== "unguarded" || results.kind !== "unguarded") return undefined;
  return `two workstations on this folder cannot be noticed, because neither it nor its results take a lease (${watched.found})`;
}
