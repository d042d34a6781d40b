import { randomBytes } from "node:crypto";
import { machineError } from "../core/errors.ts";
import { endStatuses, type JobBody } from "../core/messages.ts";
import type { EngineOptions } from "../runtime/engine/host.ts";
import type { Engine, Progress } from "../runtime/job/denoise-job.ts";
import { type Announcer, createAnnouncer } from "./announce/announcer.ts";
import { createJobNews } from "./announce/job-news.ts";
import { heartbeatS } from "./announce/status.ts";
import { createThroughput } from "./announce/throughput.ts";
import type { DaemonConfig, FolderConfig } from "./config/resolve.ts";
import { createEngineSupervisor, type Warm } from "./engine/engine-supervisor.ts";
import type { DaemonLog } from "./events/daemon-log.ts";
import { createFolder, type Folder } from "./folder/folder.ts";
import { learnModels } from "./folder/folder-models.ts";
import { pinnedMessages, readPinned } from "./folder/pinned-calibrations.ts";
import { resultAccess } from "./folder-io/result-access.ts";
import type { Job } from "./ledger/job.ts";
import { openLedger } from "./ledger/ledger.ts";
import { jobMessage } from "./messages/job-message.ts";
import { createMover } from "./mover.ts";
import { createOpened, type Opened } from "./opened.ts";
import { openBroker } from "./publish/broker-access.ts";
import { createBrokerNews } from "./publish/broker-news.ts";
import { hidePaths, rootsOf } from "./publish/hide-paths.ts";
import { createPublisher } from "./publish/publisher.ts";
import { createRateLimit } from "./publish/rate-limit.ts";
import { connectServiceManager, type ServiceEnvironment } from "./publish/service-manager.ts";
import { retainedTopicsOf, topicBase } from "./publish/topics.ts";
import { createQueue } from "./queue/queue.ts";
import { isEngineLoss } from "./queue/retry.ts";
import { rejectable } from "./rejectable.ts";
import { createWaitingLedger } from "./waiting-ledger.ts";

/** The composition root: the only place that knows who exists. Stops in the reverse order of starting. */

export interface DaemonOptions {
  readonly config: DaemonConfig;
  readonly version: string;
  readonly log: DaemonLog;
  readonly environment: ServiceEnvironment;
  readonly startEngine: (options: EngineOptions) => Engine;
  /** Called with each step in a job's life, and with how far the running one is. */
  readonly onJob: (job: Job) => void;
  readonly onProgress: (job: Job, progress: Progress) => void;
  /** Make the watch folders where they are missing: only those of the defaults. */
  readonly makeFolders: boolean;
}

export interface Daemon {
  /** For people: without user and password. */
  readonly mqttUrl: string;
  readonly embedded: boolean;
  /** Each model and whether it was verified, and what the engine measured; undefined where no model can run. */
  readonly warm: Promise<Warm>;
  /** Rejects when the daemon cannot go on. */
  readonly failed: Promise<never>;
  readonly stop: () => Promise<void>;
}

const logLines = { most: 10, withinMs: 60_000 };
const sweepsPerFullRetry = 10;
const lastWordMs = 3_000;
/** What systemd is asked for while the models are checked and the engine warms up. */
const warmUpMs = 300_000;

/** Throws `EdgeError` where the state folder, the broker's files or its port cannot be had. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const opened = createOpened(options.log);
  return start(options, opened).catch(async (error: unknown) => {
    await opened.closeAll();
    throw error;
  });
}

async function start(options: DaemonOptions, opened: Opened): Promise<Daemon> {
  const { config, log } = options;
  const [pinned, access] = await Promise.all([
    ofEachFolder(config, readPinned),
    ofEachFolder(config, resultAccess),
  ]);
  const boot = randomBytes(8).toString("hex");
  const base = topicBase(config.instance);
  const clientId = `cnnt-edge-${config.instance}-${boot.slice(0, 6)}`;
  const service = connectServiceManager(options.environment, process.pid);
  service.extendStart(warmUpMs);
  const failure = rejectable();

  const ownLedger = await openLedger(config.state, failure.reject);
  opened.push(ownLedger.close);
  const waiting = createWaitingLedger({
    ledger: ownLedger,
    log,
    onChange: () => announcer.soon(),
    lookMs: heartbeatS * 1000,
  });
  opened.push(waiting.end);
  const { ledger } = waiting;
  const mayNote = (): boolean => waiting.trouble() === undefined;
  const broker = await openBroker(config.mqtt, clientId, base);
  opened.push(broker.stop);

  const outputOf = new Map(config.folders.map(({ name, output }) => [name, output]));
  const bodyOf = (job: Job): JobBody => jobMessage(job, outputOf.get(job.folder));
  const roots = config.mqtt.expose_paths ? [] : rootsOf(config);
  const calibrationIds = [...pinned.values()].flat().map(({ calibration }) => calibration.id);
  const ownTopics = retainedTopicsOf(base, config.folders, calibrationIds);
  const news = createBrokerNews(broker.name, `${base}/#`, log);
  const publisher = createPublisher({
    ...broker,
    clientId,
    base,
    boot,
    redact: (text) => hidePaths(text, roots),
    memory: {
      ...ledger,
      unpublished: async (limit) => (await ledger.unpublished(limit)).map(bodyOf),
    },
    isCurrent: (topic) => ownTopics.has(topic),
    onDelivery: news.delivery,
    onDown: news.down,
    onProblem: log.warn,
  });
  const mayLog = createRateLimit(logLines.most, logLines.withinMs);
  log.forwardTo((body) => {
    const suppressed = mayLog(performance.now());
    if (suppressed !== undefined) publisher.publish("log", { ...body, suppressed });
  });

  const room = createEngineSupervisor({
    config,
    startEngine: options.startEngine,
    onRecycle: (jobs) => log.info(`the engine's process is replaced after ${jobs} jobs`),
    onTileTooLarge: (note) => log.warn(machineError(note, { code: "tile-too-large" })),
    onLost: failure.reject,
    onModelNews: (news) => log.info(news),
    onWarmUpLost: (news) => log.warn(machineError(news, { code: "engine-lost" })),
    onChange: () => {
      learnModels(folders, room.models(), log);
      announcer.soon();
      queue.lookForWork();
    },
  });
  const throughput = createThroughput(() => room.facts()?.networkVoxelsPerS);

  function sayJob(job: Job): void {
    options.onJob(job);
    if (endStatuses.has(job.status)) {
      publisher.publishEnd(bodyOf(job));
    } else publisher.publish("job", bodyOf(job), { job: job.id });
    announcer.soon();
  }

  const folders: readonly Folder[] = config.folders.map((folder) =>
    createFolder({
      config: folder,
      pinned: pinned.get(folder.name) ?? [],
      access: access.get(folder.name) ?? {},
      settle: config.settle,
      makePath: options.makeFolders,
      ledger,
      log,
      onJobs: (jobs) => {
        for (const job of jobs) sayJob(job);
        queue.lookForWork();
      },
      onFacts: () => {
        announcer.soon();
        queue.lookForWork();
      },
    }),
  );

  const mover = createMover({
    ledger,
    mayNote,
    folders,
    quietMs: config.settle.quiet_s * 1000,
    log,
    onKept: () => announcer.soon(),
  });

  opened.push(() => mover.drain(0));

  const jobNews = createJobNews({ publisher, withPreview: config.mqtt.preview ?? broker.embedded, log });
  /** Voxels that the running job has delivered. */
  let delivered = 0;
  const deliver = (voxels: number): void => {
    throughput.deliver(Math.max(0, voxels - delivered), performance.now());
    delivered = voxels;
  };
  const queue = createQueue({
    ledger,
    mayNote,
    engine: room.engine,
    folders,
    mostAttempts: config.jobs.attempts,
    reserveBytes: config.jobs.reserve_mib * 2 ** 20,
    fullRetryMs: sweepsPerFullRetry * config.settle.sweep_s * 1000,
    log,
    onJob: (job) => {
      if (job.status === "running") delivered = 0;
      sayJob(job);
    },
    onProgress: (job, progress) => {
      room.learn("ready");
      deliver(progress.doneVoxels);
      options.onProgress(job, progress);
      jobNews.progress(job, progress, room.facts()?.provider);
    },
    models: room.models,
    checkModels: room.checkModels,
    onFailure: (error) => {
      if (isEngineLoss(error)) room.learn("lost", error.message);
    },
    holdSources: mover.hold,
    onDone: (job, outcome, folder) => {
      room.learn("ready");
      deliver(outcome.voxels);
      throughput.finish(outcome.voxels, outcome.elapsedS);
      if (outcome.noise !== undefined) jobNews.noise(job, outcome.noise, folder);
      return jobNews.preview(job, folder);
    },
  });
  opened.push(() => queue.drain(0));
  const announcer: Announcer = createAnnouncer({
    version: options.version,
    exposePaths: config.mqtt.expose_paths,
    publisher,
    service,
    ledger,
    ledgerTrouble: waiting.trouble,
    room,
    folders,
    throughput,
    running: () => (queue.running() === undefined ? undefined : delivered),
    log,
  });

  // A start that finds its ledger's disk full does not wait for it.
  for (const job of await ownLedger.recover(config.jobs.attempts)) sayJob(job);
  for (const job of await ownLedger.takeUpHeld()) sayJob(job);
  await ownLedger.wakeMoves();
  const last = await ledger.lastEnded();
  if (last !== undefined) publisher.publish("jobLast", bodyOf(last));
  for (const body of pinnedMessages(pinned, config.mqtt.expose_paths)) {
    publisher.publish("calibration", body, { calibration: body.id });
  }
  opened.push(() => publisher.stop(announcer.stop(), lastWordMs));
  await announcer.start();
  publisher.start();
  for (const folder of folders) {
    opened.push(folder.io.stop);
    folder.io.start();
  }
  const unwatch = service.watch(() => ledger.counts());

  let stopping: Promise<void> | undefined;
  const warm = room.warmUp();
  warm.then(
    () => {
      queue.lookForWork();
      service.ready(`watching ${folders.length} folder(s)`);
    },
    (error: unknown) => {
      if (stopping === undefined) failure.reject(error);
    },
  );

  async function stop(): Promise<void> {
    service.stopping("finishing the running job");
    announcer.drain();
    waiting.end();
    const finishMs = config.shutdown.finish_s * 1000;
    await Promise.all([queue.drain(finishMs), mover.drain(finishMs)]);
    await room.stop();
    await Promise.all(folders.map((folder) => folder.io.stop()));
    await publisher.stop(announcer.stop(), lastWordMs);
    await broker.stop();
    unwatch();
    await ownLedger.close();
  }

  return {
    mqttUrl: broker.name,
    embedded: broker.embedded,
    warm,
    failed: failure.promise,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** By the names of the folders. */
async function ofEachFolder<Fact>(
  { folders }: DaemonConfig,
  read: (folder: FolderConfig) => Promise<Fact>,
): Promise<ReadonlyMap<string, Fact>> {
  return new Map(
    await Promise.all(folders.map(async (folder) => [folder.name, await read(folder)] as const)),
  );
}
