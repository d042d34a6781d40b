import { getPriority, setPriority } from "node:os";
import { type EdgeError, isEdgeError, reportOf, usageError } from "../../core/errors.ts";
import type { DenoiseJob, DenoiseOutcome } from "../job/denoise-job.ts";
import { onnxRuntimeVersion } from "../machine/product-version.ts";
import { type FreeMemory, watchFreeMemory } from "../plan/free-memory.ts";
import { createKeptHashes, hashFiles } from "../result/source-hash.ts";
import { createLastOpened } from "../stack/last-opened.ts";
import { createTileRates, type TileRates } from "../stack/tile-rates.ts";
import { connect } from "../worker/connect.ts";
import type { Request } from "../worker/duties.ts";
import { parentOfProcess } from "../worker/process-channel.ts";
import type { EngineDuties, EngineSettings, HostDuties, JobEvent, WarmUp } from "./engine-duties.ts";
import { createHeldPackages, type HeldPackages } from "./held-packages.ts";
import { type NetworkThread, startNetworkThread } from "./network-thread.ts";
import { offerToOomKiller } from "./out-of-memory.ts";
import { readModel } from "./prepared-engine.ts";
import { warmUp } from "./warm-up.ts";
import { denoiseWithinMemory } from "./within-memory.ts";

/**
 * The engine process. Its main thread moves pixels and talks to the host; a worker thread runs the network. The
 * process must never call `process.exit` while the network runs (that aborts it, with a core dump): it ends when
 * the tile is done, or kills itself.
 */

const heartbeatMs = 1000;

let network: NetworkThread | undefined;
let packages: HeldPackages | undefined;
/** Folders whose models stay loaded between jobs. */
let keptDirs: readonly string[] = [];
let tileRates: TileRates | undefined;
let freeMemory: (() => Promise<FreeMemory>) | undefined;
/** As configured; undefined: the package's tiles, whatever they need. */
let memoryLimitBytes: number | undefined;
let idleReleaseMs = 60_000;
let idle: NodeJS.Timeout | undefined;
/** The images of one file are jobs that follow each other. */
const keptHashes = createKeptHashes(hashFiles);
const openLast = createLastOpened();
let current: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

async function start(settings: EngineSettings): Promise<WarmUp> {
  if (settings.lowPriority) giveWay();
  await offerToOomKiller();
  const held = createHeldPackages((dir) => readModel(dir, settings.provider));
  [packages, keptDirs] = [held, settings.models];
  const models = await Promise.all(keptDirs.map((dir) => held.take(dir)));
  const runtimeVersion = onnxRuntimeVersion();
  const { provider, intraOpThreads, tileLimits, networkProgram } = settings;
  memoryLimitBytes = settings.memoryLimitBytes;
  idleReleaseMs = settings.idleReleaseMs ?? idleReleaseMs;
  const free = await watchFreeMemory(provider);
  network = startNetworkThread({ provider, intraOpThreads }, runtimeVersion, {
    ...(tileLimits === undefined ? {} : { limits: tileLimits }),
    ...(networkProgram === undefined ? {} : { program: new URL(networkProgram) }),
    onStuck: (error) => void giveUp(error),
  });
  const networkVoxelsPerS = await warmUp(network, models);
  const [first] = models;
  tileRates = createTileRates(first && { model: first.modelSha256, voxelsPerS: networkVoxelsPerS });
  // What the last job's tiles took is there for the next one's.
  const ownBytes = process.memoryUsage.rss();
  const heldBytes = (): number =>
    provider === "cpu" ? Math.max(0, process.memoryUsage.rss() - ownBytes) : 0;
  freeMemory = () => free(heldBytes());
  return { pid: process.pid, runtimeVersion, networkVoxelsPerS };
}

/**
 * The nice value of the service unit: a third of what a normal thread gets of a contended core. With less, a tile on a
 * machine full of other work would take so long that the engine counts as stuck.
 */
const lowPriority = 5;

/** Linux keeps a priority for each thread: those that are started from now on, the network's among them, have this one. */
function giveWay(): void {
  try {
    // Going back up, where a service set it lower still, is not allowed.
    if (getPriority() < lowPriority) setPriority(lowPriority);
  } catch {
    // A sandbox that does not let a process choose is no reason to do no work.
  }
}

async function denoise(
  job: DenoiseJob,
  signal: AbortSignal,
  tell: (event: JobEvent) => void,
): Promise<DenoiseOutcome> {
  if (network === undefined || packages === undefined || freeMemory === undefined) {
    throw usageError("a job came before the engine was started", { code: "engine-order" });
  }
  const { take } = packages;
  const { releaseAllBut } = network;
  return denoiseWithinMemory(
    job,
    {
      network,
      packageOf: (dir) => take(dir, job.models.verified[dir]),
      signal,
      hashFiles: keptHashes,
      openSource: openLast,
      freeMemory,
      limits: { memoryLimitBytes },
      tileRates,
      onProgress: (progress) => tell({ kind: "progress", progress }),
    },
    {
      release: () => releaseAllBut([]),
      onTile: ({ modelSha256 }, voxels) => tell({ kind: "tile", modelSha256, voxels }),
      onTooLarge: (note) => tell({ kind: "tile-too-large", note }),
    },
  );
}

/** Only the models of the engine and of the last job stay loaded. */
async function releaseOthers({ models }: DenoiseJob): Promise<void> {
  const kept = packages?.held([...keptDirs, models.default, ...Object.values(models.byChannel)]);
  await network?.releaseAllBut(kept ?? []);
}

function takeJob(job: DenoiseJob, { signal, tell }: Request<JobEvent>): Promise<DenoiseOutcome> {
  clearTimeout(idle);
  const abort = new AbortController();
  const work = denoise(job, AbortSignal.any([signal, abort.signal]), tell);
  const done = work
    .then(() => releaseOthers(job))
    .catch(() => undefined)
    .then(() => {
      // The host may have sent the next one while this one's models were given back.
      if (current?.done !== done) return;
      current = undefined;
      idle = setTimeout(giveMemoryBack, idleReleaseMs);
    });
  current = { abort, done };
  return work.catch((error: unknown) => {
    // `giveUp` has the word where the network hangs.
    if (isEdgeError(error, "network-stuck")) return new Promise<never>(() => undefined);
    throw error;
  });
}

/** A model is loaded again, within seconds, by the next job. */
function giveMemoryBack(): void {
  network?.releaseAllBut([]).catch(() => undefined);
}

/** Lets the job remove what it has half written, then asks to be killed: a thread that hangs cannot be ended. */
async function giveUp(error: EdgeError): Promise<void> {
  await current?.done;
  host.tell("stuck", reportOf(error));
}

/** Gives the job up, lets the tile in the network end, and lets the process run out. */
async function end(): Promise<void> {
  current?.abort.abort();
  await current?.done;
  clearTimeout(idle);
  await network?.close();
  clearInterval(heartbeat);
  if (process.connected) process.disconnect();
}

/** Removes what is half written, then goes at once, whatever the network does. */
async function endAtOnce(): Promise<void> {
  current?.abort.abort();
  await current?.done;
  process.kill(process.pid, "SIGKILL");
}

const host = connect<HostDuties, EngineDuties>(
  parentOfProcess,
  { start, denoise: takeJob, stop: () => void end() },
  () => {
    void endAtOnce();
    return new Error("the host is gone");
  },
);
const heartbeat = setInterval(() => host.tell("heartbeat", undefined), heartbeatMs);
process.on("SIGTERM", () => void endAtOnce());
// Ctrl-C and a terminal that closes reach the whole process group; the host decides what they mean.
process.on("SIGINT", () => undefined);
process.on("SIGHUP", () => undefined);
