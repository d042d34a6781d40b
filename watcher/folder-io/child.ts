import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import { isAbsent, reportOf, systemCode } from "../../core/errors.ts";
import { digestOfFile } from "../../formats/file/file-digest.ts";
import { removeStalePartials } from "../../formats/file/partial-name.ts";
import { openAcquisition, openFile } from "../../formats/open.ts";
import { connect } from "../../runtime/worker/connect.ts";
import { parentOfProcess } from "../../runtime/worker/process-channel.ts";
import { isHidden } from "../intake/candidate-name.ts";
import { createScan, type Finding } from "../intake/scan.ts";
import { drawPreview } from "./draw-preview.ts";
import { lookAtFileSystem, type WatchMode } from "./mounted-disk.ts";
import { moveSource } from "./move-source.ts";
import { tryWriting, type WatchedOutput, watchOutput } from "./output-folder.ts";
import type {
  DaemonDuties,
  FolderDuties,
  FolderMemory,
  FolderSettings,
  FolderTasks,
  TaskName,
} from "./protocol.ts";
import { useResultAccess } from "./result-folder.ts";
import { restoreAside } from "./set-aside.ts";
import { findStanding, isTaken } from "./standing-results.ts";
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
async function tell(finding: Finding): Promise<boolean> {
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
  watched: WatchedFolder,
  output: WatchedOutput,
): void {
  const excluded = [settings.output, ...(settings.moveTo === undefined ? [] : [settings.moveTo])];
  let mountPoint = "";
  const scan = createScan(
    {
      ...settings,
      folder: settings.path,
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
      const { mode } = await lookAtFileSystem(settings.path);
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
      daemon.tell("swept", { mode: modeOf(mode), mountPoint, summary, output: await output.state() });
    } catch (error) {
      daemon.tell("unreachable", reportOf(unreachable(error, settings.path)));
      await watcher?.close();
      watcher = undefined;
    } finally {
      endWork();
      sweeping = false;
      const tookMs = performance.now() - startMs;
      plan(hinted ? Math.max(hintDelayMs, tookMs) : Math.max(settings.sweepMs, restPerSweep * tookMs));
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
    const { path, subfolders } = settings;
    let problem: string | undefined;
    const made = watch(path, {
      ignoreInitial: true,
      // What may not be read is told by the sweep.
      ignorePermissionErrors: true,
      followSymlinks: false,
      ...(!subfolders && { depth: 0 }),
      ignored: (inner, facts) =>
        excluded.includes(inner) ||
        facts?.isFile() === true ||
        (inner !== path && isHidden(inner.slice(inner.lastIndexOf("/") + 1))),
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

async function areAllAbsent(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) if (!(await lstat(path).then(() => false, isAbsent))) return false;
  return true;
}

type Task<Name extends TaskName> = (ask: FolderTasks[Name]["ask"]) => Promise<FolderTasks[Name]["answer"]>;
type Tasks = { [Name in TaskName]: Task<Name> };

function tasksOf(settings: FolderSettings, watched: WatchedFolder, results: WatchedOutput): Tasks {
  return {
    look: ({ members }) => watched.lookAt(members),
    hash: ({ source }) =>
      digestOfFile(join(settings.path, source), { onStep }).catch(async (error: unknown) => {
        // Not the file's fault where the folder is not there.
        await watched.check();
        return isAbsent(error) ? undefined : "unreadable";
      }),
    left: async ({ sources }) => {
      const left: string[] = [];
      // Before the look and after it, as `lookAt` does: without its disk everything is absent.
      await watched.check();
      await results.check();
      for (const { source, members, outputs } of sources) {
        // `quotedName`: it stands for a name that is not UTF-8, and no file would be found under it.
        if (members.some((member) => member.endsWith("'"))) continue;
        const paths = [...members.map((member) => join(settings.path, member)), ...outputs];
        if (await areAllAbsent(paths)) left.push(source);
        onStep();
      }
      await watched.check();
      await results.check();
      return left;
    },
    prepare: async ({ into, outputs = [] }) => {
      // First the folder itself: below a mount point without its disk nothing may be made.
      const { freeBytes, freeFiles } = await results.check();
      const written = await tryWriting(into, settings.access);
      await removeStalePartials(into);
      return { freeBytes, noFiles: !written && freeFiles === 0, isTaken: await isTaken(outputs) };
    },
    standing: (question) => findStanding(question, onStep),
    tidy: async ({ into }) => {
      await removeStalePartials(into);
      return undefined;
    },
    move: (order) =>
      moveSource(
        {
          ...order,
          folder: settings.path,
          target: settings.moveTo ?? settings.path,
          access: settings.access,
        },
        onStep,
      ),
    preview: async ({ source, members, output, series }) => {
      const files = members.map((member) => join(settings.path, member));
      const pattern = settings.pattern && { template: settings.pattern.template, files };
      const noisy = await openAcquisition(join(settings.path, source), { series, pattern });
      try {
        const denoised = await openAcquisition(output);
        return await drawPreview(noisy, denoised).finally(() => denoised.close());
      } finally {
        await noisy.close();
      }
    },
  };
}

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
      started = { path: settings.path, tasks: tasksOf(settings, watched, output) };
      watchFolder(settings, memory, watched, output);
    },
    hash: task("hash"),
    look: task("look"),
    left: task("left"),
    prepare: task("prepare"),
    standing: task("standing"),
    tidy: task("tidy"),
    move: task("move"),
    preview: task("preview"),
  },
  // The daemon is gone: nothing here is worth finishing.
  () => process.exit(0),
);
// Ctrl-C in a terminal reaches every process of the group; the daemon decides when this one ends.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("SIGHUP", () => undefined);
