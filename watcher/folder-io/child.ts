import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import { isEdgeError, reportOf } from "../../core/errors.ts";
import { systemCode } from "../../core/system-code.ts";
import { digestOfFile } from "../../formats/file/file-digest.ts";
import { removeStalePartials } from "../../formats/file/partial-name.ts";
import { openAcquisition, openFile } from "../../formats/open.ts";
import { tellParent } from "../../runtime/worker/process-channel.ts";
import { isHidden } from "../intake/candidate-name.ts";
import { createScan, type Finding } from "../intake/scan.ts";
import { drawPreview } from "./draw-preview.ts";
import { lookAtFileSystem } from "./file-system.ts";
import { lookAtSource } from "./look-at-source.ts";
import { moveSource } from "./move-source.ts";
import { tryWriting } from "./output-folder.ts";
import type {
  FolderMemory,
  FolderSettings,
  FolderTasks,
  FromFolder,
  TaskName,
  ToFolder,
  WatchMode,
} from "./protocol.ts";
import { useResultAccess } from "./result-folder.ts";
import { restoreAside } from "./set-aside.ts";
import { createWatchedFolder, unreachable, type WatchedFolder } from "./watched-folder.ts";
import { type WatchedOutput, watchOutput } from "./watched-output.ts";

/**
 * The process that touches one folder's disk. A share that hangs takes this process with it, not the daemon: four
 * blocked calls would stop every other file operation of a Node process.
 */

const send = (message: FromFolder): void => tellParent(message);
const onStep = (): void => send({ kind: "step" });

let works = 0;
function beginWork(): void {
  works += 1;
  send({ kind: "busy" });
}
function endWork(): void {
  works -= 1;
  if (works === 0) send({ kind: "idle" });
}

/** Findings are told one at a time: the ledger sets the pace, not the disk, and who waits for it is not at work. */
let noted: (() => void) | undefined;
async function tell(finding: Finding): Promise<void> {
  const written = new Promise<void>((resolve) => {
    noted = resolve;
  });
  send({ kind: "finding", finding });
  endWork();
  await written;
  beginWork();
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
) {
  const excluded = [settings.output, ...(settings.moveTo === undefined ? [] : [settings.moveTo])];
  const scan = createScan(
    {
      ...settings,
      folder: settings.path,
      excluded,
      open: openFile,
      now: () => performance.now(),
      onStep,
      onAside: async (aside) => {
        await restoreAside(aside);
        // What has its name again is seen by the next sweep.
        again = true;
      },
    },
    known,
    waiting,
  );
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let sweeping = false;
  let again = false;

  const plan = (delayMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void sweepOnce(), delayMs);
  };
  const hint = (): void => {
    if (sweeping) again = true;
    else plan(hintDelayMs);
  };

  async function sweepOnce(): Promise<void> {
    sweeping = true;
    again = false;
    beginWork();
    const startMs = performance.now();
    try {
      if (settings.makePath) await mkdir(settings.path, { recursive: true });
      const { mode } = await lookAtFileSystem(settings.path);
      const mountPoint = await watched.check();
      const summary = await scan.look(tell);
      if (watcher !== undefined && mayWatchAnew(summary.blind)) {
        await watcher.close();
        watcher = undefined;
      }
      if (mode.events && watcher === undefined) {
        watchedSinceMs = performance.now();
        watchedBlind = JSON.stringify(summary.blind ?? null);
        watcher = watchFolders(settings, excluded, hint);
      }
      send({ kind: "swept", mode: modeOf(mode), mountPoint, summary, output: await output.state() });
    } catch (error) {
      send({ kind: "unreachable", error: reportOf(unreachable(error, settings.path)) });
      await watcher?.close();
      watcher = undefined;
    } finally {
      endWork();
      sweeping = false;
      const tookMs = performance.now() - startMs;
      plan(again ? Math.max(hintDelayMs, tookMs) : Math.max(settings.sweepMs, restPerSweep * tookMs));
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
  function watchFolders(
    { path, subfolders }: FolderSettings,
    skipped: readonly string[],
    onHint: () => void,
  ): FSWatcher {
    let problem: string | undefined;
    const made = watch(path, {
      ignoreInitial: true,
      // What may not be read is told by the sweep.
      ignorePermissionErrors: true,
      followSymlinks: false,
      ...(subfolders ? {} : { depth: 0 }),
      ignored: (inner, facts) =>
        skipped.includes(inner) ||
        facts?.isFile() === true ||
        (inner !== path && isHidden(inner.slice(inner.lastIndexOf("/") + 1))),
    });
    // `raw` comes for files too, although they are not watched themselves.
    made.on("raw", onHint);
    made.on("all", onHint);
    made.on("error", (error) => {
      const code = systemCode(error) ?? "unknown";
      problem = code === "ENOSPC" ? watchLimit : `events failed (${code})`;
      watchProblem = problem;
      onHint();
    });
    made.on("ready", () => {
      watchProblem = problem;
    });
    return made;
  }

  const modeOf = (mode: WatchMode): WatchMode =>
    watchProblem === undefined ? mode : { events: false, why: watchProblem };

  plan(0);
  return { rescan: () => plan(0) };
}

const watchLimit =
  "the kernel's limit of watches is reached; raise it with: sysctl fs.inotify.max_user_watches=524288";

function tasks(settings: FolderSettings, watched: WatchedFolder, results: WatchedOutput) {
  return {
    look: ({ members }) => lookAtSource(settings.path, members, watched.check),
    hash: ({ source }) => digestOfFile(join(settings.path, source), { onStep }),
    prepare: async ({ into }) => {
      // First the folder itself: below a mount point without its disk nothing may be made.
      const { freeBytes, freeFiles } = await results.check();
      const taken = await tryWriting(into, settings.access);
      await removeStalePartials(into);
      return { freeBytes, noFiles: !taken && freeFiles === 0 };
    },
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
    preview: async ({ source, output, series }) => {
      const noisy = await openAcquisition(join(settings.path, source), { series });
      try {
        const denoised = await openAcquisition(output);
        try {
          return await drawPreview(noisy, denoised);
        } finally {
          await denoised.close();
        }
      } finally {
        await noisy.close();
      }
    },
  } satisfies { [Name in TaskName]: (ask: FolderTasks[Name]["ask"]) => Promise<FolderTasks[Name]["answer"]> };
}

async function runTask(run: (ask: never) => Promise<unknown>, id: number, ask: unknown): Promise<void> {
  beginWork();
  try {
    send({ kind: "answer", id, answer: await run(ask as never) });
  } catch (error) {
    send({ kind: "refusal", id, error: reportOf(isEdgeError(error) ? error : unreachable(error, "")) });
  } finally {
    endWork();
  }
}

let folder: ReturnType<typeof watchFolder> | undefined;
let doable: ReturnType<typeof tasks> | undefined;
process.on("message", (message: ToFolder) => {
  if (message.kind === "start") {
    const { settings, memory } = message;
    useResultAccess(settings.access);
    const output = watchOutput(settings, memory.outputMountPoint, onStep);
    const watched = createWatchedFolder(settings.path, memory.mountPoint);
    doable = tasks(settings, watched, output);
    folder = watchFolder(settings, memory, watched, output);
  } else if (message.kind === "noted") noted?.();
  else if (message.kind === "rescan") folder?.rescan();
  else if (doable !== undefined) void runTask(doable[message.name], message.id, message.ask);
});
// The daemon is gone: nothing here is worth finishing.
process.on("disconnect", () => process.exit(0));
// Ctrl-C in a terminal reaches every process of the group; the daemon decides when this one ends.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("SIGHUP", () => undefined);
