import { type BackoffRule, doubledMs } from "../core/backoff.ts";
import { type ErrorReport, errorFromReport, hasCode, reportOf } from "../core/errors.ts";
import { within } from "../core/within.ts";
import type { DaemonLog } from "./events/daemon-log.ts";
import type { Events } from "./events/event-map.ts";
import type { Folder } from "./folder/folder.ts";
import { quietFactorUnseen } from "./folder-io/may-move.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { PendingMove } from "./ledger/move-store.ts";
import { denoisedHashes } from "./ledger/whole-hashes.ts";

export interface MoverOptions {
  readonly ledger: Ledger;
  /** Whether the ledger can be written: where it cannot, no move begins. */
  readonly mayNote: () => boolean;
  readonly folders: readonly Folder[];
  readonly log: DaemonLog;
}

const lookMs = 1000;
/** A source that has to stay is tried again after this, then after twice as long, … */
const pauses: BackoffRule = { firstMs: 1000, longestMs: 3_600_000 };
/** A source that is not there may lie on a share that is not mounted: so often is it looked for, an hour apart. */
const looksForGone = 24;

/**
 * Moves the sources of done jobs out of their watch folders, as the ledger asks for it, until each has gone. Tells
 * `keptChanged` when another source has to stay, one goes that had to, or the reason is another.
 */
export function createMover(events: Events, { ledger, mayNote, folders, log }: MoverOptions) {
  const holds = new Map<Folder, number>();
  const working = new Map<Folder, Promise<void>>();
  let stopped = false;

  /** One at a time in each folder: a disk that is slow to copy to holds up no other folder, and no job. */
  async function work(folder: Folder): Promise<void> {
    while (!stopped && folder.facts().mode !== undefined && folder.facts().unreachable === undefined) {
      if ((holds.get(folder) ?? 0) > 0 || !mayNote()) return;
      const move = await ledger.nextMove(folder.config.name);
      if (move === undefined) return;
      await attempt(folder, move);
    }
  }

  async function attempt(folder: Folder, move: PendingMove): Promise<void> {
    const { name, moveTo = "" } = folder.config;
    const quietMs = folder.settle.quiet_s * 1000;
    const quietForMs = Date.now() - move.seenMs;
    try {
      const targetMountPoint = await ledger.mountPoint(name, moveTo);
      const end = await folder.io.ask("move", {
        targetMountPoint,
        members: move.members,
        // What an engine did not tell of is not moved across disks.
        sha256: denoisedHashes(move.members, move.outcomes),
        denoised: {
          sizeBytes: move.sizeBytes,
          mtimeMs: move.mtimeMs,
          quietForMs,
        },
        quietMs,
      });
      if (end.kind === "moved") {
        await ledger.moved(move.id);
        if (end.mountPoint !== targetMountPoint) {
          await ledger.rememberMountPoint(name, moveTo, end.mountPoint);
        }
        log.info(`${move.source} was moved to ${end.target}${unseenNote(end.unseen)}`);
      } else if (move.error === undefined && move.attempts >= looksForGone) await ledger.moved(move.id);
      else await ledger.moveLater(move.id, pauses.longestMs);
      if (move.error !== undefined) events.tell("keptChanged", { folder: name });
    } catch (error) {
      if (stopped) return;
      const report = reportOf(error);
      const waits = hasCode(report, "move-not-quiet");
      const laterMs = waits ? untilQuietMs(quietForMs, quietMs) : delayMs(report, move.attempts);
      await ledger.moveLater(move.id, laterMs, report);
      if (report.code === move.error?.code) return;
      // Nobody has to do anything about a source that has only to be left alone for longer; the folder's state tells it.
      if (!waits) log.warn(errorFromReport(report), { folder: name });
      events.tell("keptChanged", { folder: name });
    }
  }

  function lookForWork(): void {
    if (stopped) return;
    for (const folder of folders) {
      if (folder.config.moveTo === undefined || working.has(folder)) continue;
      const done = work(folder)
        .catch(log.error)
        .finally(() => working.delete(folder));
      working.set(folder, done);
    }
  }

  lookForWork();
  const timer = setInterval(lookForWork, lookMs);

  return {
    /** Sources of this folder are being shown and are not moved until the answer is called. */
    hold: (folder: Folder): (() => void) => {
      holds.set(folder, (holds.get(folder) ?? 0) + 1);
      return () => {
        holds.set(folder, (holds.get(folder) ?? 1) - 1);
        lookForWork();
      };
    },
    /** Begins no further move; the running ones may take `finishMs`. What is cut off is finished after the next start. */
    drain: async (finishMs: number): Promise<void> => {
      stopped = true;
      clearInterval(timer);
      await within(finishMs, Promise.all(working.values()));
    },
  };
}

/** How long a source, unchanged for `quietForMs`, still has to be so where open files cannot be seen. */
function untilQuietMs(quietForMs: number, quietMs: number): number {
  const leftMs = quietFactorUnseen * quietMs - quietForMs;
  return Math.min(pauses.longestMs, Math.max(pauses.firstMs, leftMs));
}

function delayMs(error: ErrorReport, attempts: number): number {
  // Its bytes differ although it looks the same: reading all of it again soon would not help.
  if (hasCode(error, "move-differs")) return pauses.longestMs;
  return doubledMs(pauses, attempts);
}

function unseenNote(unseen: number | undefined): string {
  if (unseen === 0) return "";
  return unseen === undefined
    ? "; this system does not show which files other users have open"
    : `; ${unseen} processes of other users do not show which files they have open`;
}
