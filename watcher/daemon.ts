import { present } from "../core/record.ts";
import { within } from "../core/within.ts";
import type { EngineOptions } from "../runtime/engine/host.ts";
import type { Engine, Progress } from "../runtime/job/denoise-job.ts";
import { announce } from "./announce/announce.ts";
import { heartbeatS } from "./announce/status.ts";
import { daemonHands, learnPauses } from "./by-hand/daemon-hands.ts";
import { takeRequests } from "./by-hand/take-requests.ts";
import type { DaemonConfig } from "./config/resolve.ts";
import { createEngineSupervisor } from "./engine/engine-supervisor.ts";
import type { DaemonEvents } from "./events/daemon-events.ts";
import type { DaemonLog } from "./events/daemon-log.ts";
import { createEvents } from "./events/event-map.ts";
import { expireResults } from "./expiring.ts";
import { createFolder, readFolder } from "./folder/folder.ts";
import { compareNoise, followModels } from "./folder/folder-events.ts";
import { followConfig } from "./folder/follow-config.ts";
import { leaseHolder } from "./folder-io/lease-holder.ts";
import { forgetOldSources } from "./forgetting.ts";
import type { Job } from "./ledger/job.ts";
import { openLedger } from "./ledger/ledger.ts";
import type { ModelChecksOptions } from "./models/models.ts";
import { createMover } from "./mover.ts";
import { openBroker } from "./publish/broker-access.ts";
import { connectServiceManager } from "./publish/service-manager.ts";
import { clientIdentity } from "./publish/topics.ts";
import { createLedgerQueue, pauseClosedFolders } from "./queue/ledger-queue.ts";
import { createWorker } from "./queue/worker.ts";
import { supersedeResults } from "./superseding.ts";
import { createWaitingLedger } from "./waiting-ledger.ts";

/**
 * The composition root: the only place that knows who exists. The parts tell each other what happens by events
 * (docs/architecture.md, "The daemon's parts"), and stop in the reverse order of starting.
 */

export interface DaemonOptions {
  readonly config: DaemonConfig;
  readonly version: string;
  readonly log: DaemonLog;
  readonly environment: NodeJS.ProcessEnv;
  readonly startEngine: (options: EngineOptions) => Engine;
  /** As `ModelChecksOptions` has it. */
  readonly runModel?: ModelChecksOptions["runModel"];
  /** Called with each step in a job's life, and with how far the running one is. */
  readonly onJob: (job: Job) => void;
  readonly onProgress: (job: Job, progress: Progress) => void;
  /** The file of the configuration, and how it is read again when it changes. */
  readonly reread?: { readonly file: string; readonly read: () => Promise<DaemonConfig> };
  /** Make the watch folders where they are missing: only those of the defaults. */
  readonly makeFolders: boolean;
  /** As `FolderIoOptions` has it. */
  readonly hangMs?: number;
}

export type Daemon = Awaited<ReturnType<typeof startDaemon>>;

/** What systemd is asked for while the models are checked and the engine warms up. */
const warmUpMs = 300_000;
const dayMs = 24 * 3_600_000;

/** Throws `EdgeError` where the state folder, the broker's files or its port cannot be had. */
export async function startDaemon(options: DaemonOptions) {
  const opened = createOpened(options.log);
  return start(options, opened).catch(async (error: unknown) => {
    await opened.closeAll();
    throw error;
  });
}

async function start(options: DaemonOptions, opened: ReturnType<typeof createOpened>) {
  const { config, version, log, startEngine, runModel, hangMs } = options;
  const { settle } = config;
  const found = await Promise.all(config.folders.map(readFolder));
  const events = createEvents<DaemonEvents>(log.error);
  const failed = new Promise<never>((_resolve, reject) => events.on("failed", reject));
  // Whoever waits for it hears of it; before that nobody has to.
  failed.catch(() => undefined);
  events.on("jobChanged", options.onJob);
  events.on("jobProgressed", ({ job, progress }) => options.onProgress(job, progress));
  const service = connectServiceManager(options.environment, process.pid);
  service.extendStart(warmUpMs);

  const ownLedger = await openLedger(config.state, (error) => events.tell("failed", error));
  opened.push(ownLedger.close);
  const waiting = createWaitingLedger(events, { ledger: ownLedger, log, lookMs: heartbeatS * 1000 });
  opened.push(waiting.end);
  const { ledger, trouble: ledgerTrouble } = waiting;
  const mayNote = (): boolean => ledgerTrouble() === undefined;
  const identity = clientIdentity(config.instance);
  const broker = await openBroker(config.mqtt, identity.clientId, identity.base);
  opened.push(broker.stop);

  const holder = await leaseHolder(config.instance, config.state);
  const ofAll = { settle, makePath: options.makeFolders, holder, ledger, log, ...present({ hangMs }) };
  const folders = found.map((folder) => createFolder(events, { ...folder, ...ofAll }));
  followModels(events, folders, log);
  compareNoise(events, folders, log);
  const engine = createEngineSupervisor(events, { config, folders, startEngine, log, runModel });
  const mover = createMover(events, { ledger, mayNote, folders, log });
  opened.push(() => mover.drain(0));
  const endSuperseding = supersedeResults(events, { ledger, mayNote, folders, log });
  opened.push(endSuperseding);
  const told = { config, version, identity, broker, service, ledger, ledgerTrouble, engine, folders, log };
  const announcement = announce(events, { ...told, holdSources: mover.hold });
  const queue = createLedgerQueue(events, { ledger, mayNote, folders, models: engine.models });
  pauseClosedFolders(events, queue, folders);
  const { checkModels } = engine;
  const { models } = engine;
  const work = { queue, engine: engine.engine, models, checkModels, folders, holdSources: mover.hold, log };
  const worker = createWorker(events, { ...work, jobs: config.jobs, sweepMs: settle.sweep_s * 1000 });
  opened.push(() => worker.drain(0));

  // A start that finds its ledger's disk full does not wait for it.
  const recovered = [...(await ownLedger.recover(config.jobs.attempts)), ...(await ownLedger.takeUpHeld())];
  for (const job of recovered) events.tell("jobChanged", job);
  await ownLedger.wakeMoves();
  await learnPauses(ownLedger, folders);
  const hands = daemonHands({ queue, ledger: ownLedger, mayNote, folders, log });
  const takeNoRequests = await takeRequests(config.state, hands, log);
  opened.push(takeNoRequests);
  opened.push(announcement.stop);
  await announcement.start();
  for (const folder of folders) {
    opened.push(folder.io.stop);
    folder.io.start();
  }
  const unwatch = service.watch(() => ledger.counts());
  const { keep_days: keepDays } = config.history;
  const stopForgetting =
    keepDays === null
      ? undefined
      : forgetOldSources({ ledger, mayNote, folders, keepMs: keepDays * dayMs, log });
  const stopExpiring = expireResults({ ledger, mayNote, folders, log });
  const { choose } = engine;
  const unfollow =
    options.reread && followConfig({ ...options.reread, running: config, folders, choose, log });

  let stopping: Promise<void> | undefined;
  const warm = engine.warmUp();
  warm.then(
    () => service.ready(`watching ${folders.length} folder(s)`),
    (error: unknown) => {
      if (stopping === undefined) events.tell("failed", error);
    },
  );

  async function stop(): Promise<void> {
    service.stopping("finishing the running job");
    unfollow?.();
    stopForgetting?.();
    stopExpiring();
    endSuperseding();
    await takeNoRequests();
    announcement.drain();
    waiting.end();
    const finishMs = config.shutdown.finish_s * 1000;
    await Promise.all([worker.drain(finishMs), mover.drain(finishMs)]);
    await engine.stop();
    await Promise.all(folders.map((folder) => folder.io.stop()));
    await announcement.stop();
    await broker.stop();
    unwatch();
    await ownLedger.close();
  }

  return {
    /** For people: without user and password. */
    mqttUrl: broker.name,
    embedded: broker.embedded,
    /** Each model and whether it was verified, and what the engine measured; undefined where no model can run. */
    warm,
    /** Rejects when the daemon cannot go on. */
    failed,
    stop: (): Promise<void> => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Each has this long (milliseconds): the process must end also where a disk hangs. */
const closeMs = 5_000;

/** What was opened so far, so that a start that fails half way leaves nothing open. */
function createOpened(log: DaemonLog) {
  const closers: (() => unknown)[] = [];
  return {
    /** How to close what was just opened. */
    push: (close: () => unknown): void => void closers.push(close),
    /** Closes the last first. What cannot be closed, or not in time, is told and left. */
    async closeAll(): Promise<void> {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
        try {
          await within(closeMs, Promise.resolve(close()));
        } catch (error) {
          log.error(error);
        }
      }
    },
  };
}
