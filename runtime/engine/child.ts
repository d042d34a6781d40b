import { getPriority, setPriority } from "node:os";
import { type EdgeError, isEdgeError, reportOf, usageError } from "../../core/errors.ts";
import { freeDeviceBytes } from "../gpu/device-memory.ts";
import type { DenoiseJob } from "../job/denoise-job.ts";
import { onnxRuntimeVersion } from "../machine/product-version.ts";
import { chunkOverlap } from "../plan/choose-tile.ts";
import { availableBytes } from "../plan/memory-plan.ts";
import { createTileRates, type TileRates } from "../stack/tile-rates.ts";
import { fastestChunkDepth, readRates, tuningFile } from "../tuning/measured-rates.ts";
import { tellParent } from "../worker/process-channel.ts";
import { createHeldPackages, type HeldPackages } from "./held-packages.ts";
import { type NetworkThread, startNetworkThread } from "./network-thread.ts";
import { offerToOomKiller } from "./out-of-memory.ts";
import { readModel } from "./prepared-engine.ts";
import { type EngineSettings, type FromEngine, heartbeatMs, toEngineSchema } from "./protocol.ts";
import { openTileMemory, type TileMemory } from "./tile-memory.ts";
import { warmUp } from "./warm-up.ts";
import { denoiseWithinMemory } from "./within-memory.ts";

/**
 * The engine process. Its main thread moves pixels and talks to the host; a worker thread runs the network. The
 * process must never call `process.exit` while the network runs (that aborts it, with a core dump): it ends when
 * the tile is done, or kills itself.
 */

let network: NetworkThread | undefined;
let packages: HeldPackages | undefined;
/** Folders whose models stay loaded between jobs. */
let keptDirs: readonly string[] = [];
let tileRates: TileRates | undefined;
let memoryBytes: () => number = availableBytes;
let idleReleaseMs = 60_000;
let idle: NodeJS.Timeout | undefined;
let tileMemory: TileMemory | undefined;
let current:
  | { readonly id: number; readonly abort: AbortController; readonly done: Promise<void> }
  | undefined;

const send = (message: FromEngine): void => tellParent(message);

async function start(settings: EngineSettings): Promise<void> {
  try {
    if (settings.lowPriority) giveWay();
    await offerToOomKiller();
    const held = createHeldPackages((dir) => readModel(dir, settings.provider));
    [packages, keptDirs] = [held, settings.models];
    const models = await Promise.all(keptDirs.map((dir) => held.take(dir)));
    const runtimeVersion = onnxRuntimeVersion();
    const { provider, intraOpThreads, tileLimits, networkProgram, memoryLimitBytes } = settings;
    idleReleaseMs = settings.idleReleaseMs ?? idleReleaseMs;
    tileMemory = await openTileMemory(settings.tileMemoryFile, settings.knownTiles);
    // Before anything of ours lies there: a GPU's arena never gives back, so that later nothing would seem free.
    const deviceBytes = await freeDeviceBytes(provider);
    network = startNetworkThread({ provider, intraOpThreads }, runtimeVersion, {
      ...(tileLimits === undefined ? {} : { limits: tileLimits }),
      ...(networkProgram === undefined ? {} : { program: new URL(networkProgram) }),
      onStuck: (error) => void giveUp(error),
    });
    const networkVoxelsPerS = await warmUp(network, models);
    const [first] = models;
    tileRates = createTileRates(first && { model: first.modelSha256, voxelsPerS: networkVoxelsPerS });
    // What the last job's tiles took is there for the next one's: otherwise the second of two equal stacks would find
    // less free memory than the first, and get other tiles.
    const ownBytes = process.memoryUsage.rss();
    const heldBytes = (): number =>
      provider === "cpu" ? Math.max(0, process.memoryUsage.rss() - ownBytes) : 0;
    const mostBytes = Math.min(deviceBytes, memoryLimitBytes ?? Number.POSITIVE_INFINITY);
    memoryBytes = () => Math.min(availableBytes(heldBytes()), mostBytes);
    send({ kind: "ready", warmUp: { pid: process.pid, runtimeVersion, networkVoxelsPerS } });
  } catch (error) {
    send({ kind: "unfit", error: reportOf(error) });
    await end();
  }
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

async function denoise(id: number, job: DenoiseJob, signal: AbortSignal): Promise<void> {
  try {
    if (network === undefined || tileMemory === undefined || packages === undefined) throw notStarted();
    const { take, held } = packages;
    const { models } = job;
    const { releaseAllBut, provider } = network;
    const rates = await readRates(tuningFile(process.env));
    const outcome = await denoiseWithinMemory(
      job,
      {
        network,
        packageOf: (dir) => take(dir, models.verified[dir]),
        signal,
        availableBytes: memoryBytes,
        tileRates,
        chunkDepth: (model) => fastestChunkDepth(rates(model, provider), chunkOverlap),
        onProgress: (progress) => send({ kind: "progress", id, progress }),
      },
      tileMemory,
      {
        release: () => releaseAllBut([]),
        onTile: ({ modelSha256 }, voxels) => send({ kind: "tile", id, modelSha256, voxels }),
        onTooLarge: (note) => send({ kind: "tile-too-large", id, note }),
      },
    );
    send({ kind: "done", id, outcome });
    await network.releaseAllBut(held([...keptDirs, models.default, ...Object.values(models.byChannel)]));
  } catch (error) {
    // `giveUp` has the word where the network hangs.
    if (!isEdgeError(error, "network-stuck")) send({ kind: "failed", id, error: reportOf(error) });
  }
}

/** A model is loaded again, within seconds, by the next job. */
function giveMemoryBack(): void {
  network?.releaseAllBut([]).catch(() => undefined);
}

/** Lets the job remove what it has half written, then asks to be killed: a thread that hangs cannot be ended. */
async function giveUp(error: EdgeError): Promise<void> {
  await current?.done;
  send({ kind: "stuck", error: reportOf(error) });
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

const heartbeat = setInterval(() => send({ kind: "heartbeat" }), heartbeatMs);

process.on("message", (raw) => {
  const message = toEngineSchema.parse(raw);
  switch (message.kind) {
    case "start":
      void start(message.settings);
      return;
    case "denoise": {
      const { id, job } = message;
      const abort = new AbortController();
      send({ kind: "accepted", id });
      clearTimeout(idle);
      const done = denoise(id, job, abort.signal).then(() => {
        // The host may have sent the next one while this one's models were given back.
        if (current?.id !== id) return;
        current = undefined;
        idle = setTimeout(giveMemoryBack, idleReleaseMs);
      });
      current = { id, abort, done };
      return;
    }
    case "abort":
      if (current?.id === message.id) current.abort.abort();
      return;
    case "stop":
      void end();
  }
});
process.on("disconnect", () => void endAtOnce());
process.on("SIGTERM", () => void endAtOnce());
// Ctrl-C and a terminal that closes reach the whole process group; the host decides what they mean.
process.on("SIGINT", () => undefined);
process.on("SIGHUP", () => undefined);

function notStarted() {
  return usageError("a job came before the engine was started", { code: "engine-order" });
}
