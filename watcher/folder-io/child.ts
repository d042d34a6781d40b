import { mkdir } from "node:fs/promises";
import { basename } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import { reportOf, systemCode } from "../../core/errors.ts";
import { openFile } from "../../formats/open.ts";
import { connect } from "../../runtime/worker/connect.ts";
import { parentOfProcess } from "../../runtime/worker/process-channel.ts";
import { isHidden } from "../intake/candidate-name.ts";
import { createScan } from "../intake/scan.ts";
import { pollingAsConfigured, type WatchMode } from "./file-systems.ts";
import { createFolderLeases, type FolderLeases } from "./folder-leases.ts";
import { type Task, type Tasks, tasksOf } from "./folder-tasks.ts";
import { followWriters } from "./follow-writers.ts";
import { lookAtFileSystem } from "./mounted-disk.ts";
import { type WatchedOutput, watchOutput } from "./output-folder.ts";
import type { DaemonDuties, FolderDuties, FolderMemory, FolderSettings, TaskName } from "./protocol.ts";
import { useResultAccess } from "./result-folder.ts";
import { restoreAside } from "./set-aside.ts";
import { createWatchedFolder, unreachable, type WatchedFolder } from "./watched-folder.ts";

/**
 * The process that touches one folder's disk. A share that hangs takes this process with it, not the daemon: four
 * blocked calls would stop every other file operation of a Node process.
 */

/** A message for each page of a large file would take longer than the page. */
const betweenStepsMs = 250;
let lastStepMs = 0;
const onStep = (): void => {
  const nowMs = performance.now();
  if (nowMs - lastStepMs < betweenStepsMs) return;
  lastStepMs = nowMs;
  daemon.tell("atWork", true);
};

let works = 0;
function beginWork(): void {
  works += 1;
  daemon.tell("atWork", true);
}
function endWork(): void {
  works -= 1;
  if (works === 0) daemon.tell("atWork", false);
}

/** Findings are told one at a time: the ledger sets the pace, not the disk, which has nothing to do meanwhile. */
async function tell(finding: DaemonDuties["finding"]["ask"]): Promise<boolean> {
  endWork();
  return daemon.ask("finding", finding).finally(beginWork);
}

/** How long a sweep may follow the last one at the earliest, in parts of the time that one took. */
const restPerSweep = 4;
/** Where events failed they are asked for again after this. */
const watchAgainMs = 60_000;
/** After a hint the disk is given this long to have more to tell. */
const hintDelayMs = 150;

function watchFolder(
  settings: FolderSettings,
  { known, waiting }: Pick<FolderMemory, "known" | "waiting">,
  { watched, output, leases }: { watched: WatchedFolder; output: WatchedOutput; leases: FolderLeases },
): void {
  const excluded = [settings.output, ...(settings.moveTo === undefined ? [] : [settings.moveTo])];
  let mountPoint = "";
  const { path: folder, subfolders } = settings;
  const writers = followWriters({ folder, subfolders, excluded, onStep, onEnd: () => hint() });
  const scan = createScan(
    {
      ...settings,
      writtenEnds: writers.ends,
      folder,
      excluded,
      open: openFile,
      tell,
      now: () => performance.now(),
      onStep,
      onAside: async (aside) => {
        await restoreAside(aside);
        // What has its name again is seen by the next sweep.
        hinted = true;
      },
      checkFolder: async () => {
        mountPoint = await watched.check();
      },
    },
    known,
    waiting,
  );
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let sweeping = false;
  /** There is something to see that the last sweep has not seen; the next one is planned for it. */
  let hinted = false;

  const plan = (delayMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void sweepOnce(), delayMs);
  };
  /** The first one plans the sweep: others that follow without end would put it off for ever. */
  const hint = (): void => {
    if (!hinted) writers.takeIn();
    if (!hinted && !sweeping) plan(hintDelayMs);
    hinted = true;
  };

  async function sweepOnce(): Promise<void> {
    sweeping = true;
    hinted = false;
    beginWork();
    const startMs = performance.now();
    try {
      if (settings.makePath) await mkdir(settings.path, { recursive: true });
      const found = await lookAtFileSystem(settings.path);
      const mode = settings.polling ? pollingAsConfigured : found.mode;
      // A lease below an empty mount point would hold nothing.
      await watched.check();
      const results = await output.state();
      const unguarded = await leases.hold(!("error" in results));
      writers.follow(mode.events && settings.early);
      const summary = await scan.look();
      if (watcher !== undefined && mayWatchAnew(summary.blind)) {
        await watcher.close();
        watcher = undefined;
      }
      if (mode.events && watcher === undefined) {
        watchedSinceMs = performance.now();
        watchedBlind = JSON.stringify(summary.blind ?? null);
        watcher = watchFolders();
      }
      writers.askWhile(scan.nextLookMs() !== undefined);
      daemon.tell("swept", { mode: modeOf(mode), mountPoint, summary, output: results, unguarded });
    } catch (error) {
      daemon.tell("unreachable", reportOf(unreachable(error, settings.path)));
      await watcher?.close();
      watcher = undefined;
    } finally {
      endWork();
      sweeping = false;
      const tookMs = performance.now() - startMs;
      const nextMs = Math.min(settings.sweepMs, scan.nextLookMs() ?? settings.sweepMs);
      plan(hinted ? Math.max(hintDelayMs, tookMs) : Math.max(hintDelayMs, nextMs, restPerSweep * tookMs));
    }
  }

  let watchProblem: string | undefined;
  let watchedSinceMs = 0;
  let watchedBlind = "";
  /** Events of a subfolder come only if it could be read when the watching began, and a problem may be mended. */
  function mayWatchAnew(blind: unknown): boolean {
    const otherwise = watchedBlind !== JSON.stringify(blind ?? null);
    return otherwise || (watchProblem !== undefined && performance.now() - watchedSinceMs > watchAgainMs);
  }

  /** Only folders are watched: a watch for each file would cost memory and kernel watches by the thousand. */
  function watchFolders(): FSWatcher {
    let problem: string | undefined;
    const made = watch(folder, {
      ignoreInitial: true,
      // What may not be read is told by the sweep.
      ignorePermissionErrors: true,
      followSymlinks: false,
      ...(!subfolders && { depth: 0 }),
      ignored: (inner, facts) =>
        excluded.includes(inner) ||
        facts?.isFile() === true ||
        (inner !== folder && isHidden(basename(inner))),
    });
    // `raw` comes for files too, although they are not watched themselves.
    made.on("raw", hint);
    made.on("all", hint);
    made.on("error", (error) => {
      const code = systemCode(error) ?? "unknown";
      problem = code === "ENOSPC" ? watchLimit : `events failed (${code})`;
      watchProblem = problem;
      hint();
    });
    made.on("ready", () => {
      watchProblem = problem;
    });
    return made;
  }

  const modeOf = (mode: WatchMode): WatchMode =>
    watchProblem === undefined ? mode : { events: false, why: watchProblem };

  plan(0);
}

const watchLimit =
  "the kernel's limit of watches is reached; raise it with: sysctl fs.inotify.max_user_watches=524288";

let started: { readonly path: string; readonly tasks: Tasks } | undefined;

function task<Name extends TaskName>(name: Name): Task<Name> {
  return async (ask) => {
    beginWork();
    try {
      if (started === undefined) throw new Error("it was asked for something before it was started");
      return await started.tasks[name](ask);
    } catch (error) {
      throw unreachable(error, started?.path ?? "");
    } finally {
      endWork();
    }
  };
}

const daemon = connect<DaemonDuties, FolderDuties>(
  parentOfProcess,
  {
    start: ({ settings, memory }) => {
      useResultAccess(settings.access);
      const output = watchOutput(settings, memory.outputMountPoint, onStep);
      const watched = createWatchedFolder(settings.path, memory.mountPoint);
      const leases = createFolderLeases(settings, settings.holder, settings.leaseTimes);
      leases.keep();
      started = {
        path: settings.path,
        tasks: tasksOf(settings, { watched, results: output, leases }, onStep),
      };
      watchFolder(settings, memory, { watched, output, leases });
    },
    hash: task("hash"),
    look: task("look"),
    left: task("left"),
    prepare: task("prepare"),
    standing: task("standing"),
    tidy: task("tidy"),
    move: task("move"),
    supersede: task("supersede"),
    markEarlier: task("markEarlier"),
    expire: task("expire"),
    preview: task("preview"),
    release: task("release"),
  },
  // The daemon is gone: nothing here is worth finishing.
  () => process.exit(0),
);
// Ctrl-C in a terminal reaches every process of the group; the daemon decides when this one ends.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("SIGHUP", () => undefined);
