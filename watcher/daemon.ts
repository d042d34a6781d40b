import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { machineError, reportOf } from "../core/errors.ts";
import { endStatuses, type JobBody } from "../core/messages.ts";
import type { Engine, EngineFacts } from "../runtime/denoise-job.ts";
import type { EngineOptions } from "../runtime/engine/host.ts";
import type { DaemonConfig } from "./config/resolve.ts";
import type { DaemonLog } from "./daemon-log.ts";
import { createFolder, type Folder } from "./folder.ts";
import { jobMessage, progressMessage } from "./job-message.ts";
import type { Job } from "./ledger/job.ts";
import { openLedger } from "./ledger/ledger.ts";
import { checkModel, type Model, modelsOf } from "./models.ts";
import { type EmbeddedBroker, startEmbeddedBroker } from "./publish/embedded-broker.ts";
import { hidePaths, rootsOf } from "./publish/hide-paths.ts";
import { createPublisher } from "./publish/publisher.ts";
import { createRateLimit } from "./publish/rate-limit.ts";
import { connectServiceManager, type ServiceEnvironment } from "./publish/service-manager.ts";
import { topicBase, topicOf } from "./publish/topics.ts";
import { createQueue } from "./queue.ts";
import { daemonState, type EngineCondition, folderBody, heartbeatS, infoBody } from "./status.ts";
import { createThroughput, windowS } from "./throughput.ts";

/** The composition root: the only place that knows who exists. Stops in the reverse order of starting. */

export interface DaemonOptions {
  readonly config: DaemonConfig;
  readonly version: string;
  readonly log: DaemonLog;
  readonly environment: ServiceEnvironment;
  readonly startEngine: (options: EngineOptions) => Engine;
  /** Make the watch folders where they are missing: only those of the defaults. */
  readonly makeFolders: boolean;
}

export interface Daemon {
  readonly mqttUrl: string;
  readonly embedded: boolean;
  /** Each model and whether it was verified, and what the engine measured; undefined where no model can run. */
  readonly warm: Promise<{ models: readonly Model[]; engine: EngineFacts | undefined }>;
  /** Keeps its promise with each job that ends from now on. */
  readonly onEnd: (listener: (job: Job) => void) => void;
  /** Rejects when the daemon cannot go on. */
  readonly failed: Promise<never>;
  readonly stop: () => Promise<void>;
}

const statsBusyMs = 5_000;
const statsIdleMs = 60_000;
const progressMs = 1_000;
const previewMs = 2_000;
const logLines = { most: 10, withinMs: 60_000 };
const loopResolutionMs = 10;
const sweepsPerFullRetry = 10;
const lastWordMs = 3_000;
const startStepMs = 30_000;

export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { config, log } = options;
  const boot = randomBytes(8).toString("hex");
  const started = new Date().toISOString();
  const base = topicBase(config.instance);
  const clientId = `cnnt-edge-${config.instance}-${boot.slice(0, 6)}`;
  const service = connectServiceManager(options.environment, process.pid);
  service.extendStart(startStepMs);
  const failure = deferredFailure();
  failure.promise.catch(() => undefined);

  const ledger = await openLedger(config.state, (error) => failure.reject(error));
  let broker: EmbeddedBroker | undefined;
  let password: string | undefined;
  let ca: Buffer | undefined;
  try {
    if (config.mqtt.url === null) {
      broker = await startEmbeddedBroker({ port: config.mqtt.port, ownClientId: clientId, base });
    }
    password = broker?.password ?? (await secretFrom(config.mqtt.password_file));
    ca = config.mqtt.ca === null ? undefined : await readConfigured(config.mqtt.ca);
  } catch (error) {
    await ledger.close();
    throw error;
  }
  const mqttUrl = broker?.url ?? config.mqtt.url ?? "";

  let phase: "running" | "draining" | "stopped" = "running";
  let condition: EngineCondition = "warming";
  let engineReason: string | undefined;
  let engine: Engine | undefined;
  let engineFacts: EngineFacts | undefined;
  let models: readonly Model[] = [];
  const since = new Map<string, { state: string; at: string }>();
  const endListeners: ((job: Job) => void)[] = [];
  const throughput = createThroughput(() => engineFacts?.networkVoxelsPerS);
  const loopDelay = monitorEventLoopDelay({ resolution: loopResolutionMs });
  loopDelay.enable();

  const folderNames = new Set(config.folders.map(({ name }) => name));
  const outputOf = new Map(config.folders.map(({ name, output }) => [name, output]));
  const bodyOf = (job: Job): JobBody => jobMessage(job, outputOf.get(job.folder));
  const roots = rootsOf(config);
  const publisher = createPublisher({
    url: mqttUrl,
    clientId,
    username: broker?.username ?? config.mqtt.username ?? undefined,
    password,
    ca,
    base,
    boot,
    redact: config.mqtt.expose_paths ? (text) => text : (text) => hidePaths(text, roots),
    memory: {
      ...ledger,
      unpublished: async (limit) => (await ledger.unpublished(limit)).map(bodyOf),
    },
    isCurrent: (topic) =>
      [topicOf(base, "state"), topicOf(base, "info"), topicOf(base, "jobLast")].includes(topic) ||
      [...folderNames].some((folder) =>
        [topicOf(base, "folderState", { folder }), topicOf(base, "preview", { folder })].includes(topic),
      ),
    onUp: () => log.info(`connected to ${mqttUrl}`),
    onDown: (reason) => log.warn(brokerDown(mqttUrl, reason)),
    onProblem: log.warn,
  });
  const mayLog = createRateLimit(logLines.most, logLines.withinMs);
  log.forwardTo((body) => {
    const suppressed = mayLog(performance.now());
    if (suppressed !== undefined) publisher.publish("log", { ...body, suppressed });
  });

  /** The time since which `what` has been `state`. */
  function sinceWhen(what: string, state: string): string {
    const before = since.get(what);
    if (before?.state === state) return before.at;
    const at = new Date().toISOString();
    since.set(what, { state, at });
    return at;
  }

  const told = new Map<string, string>();
  function isNews(what: string, body: unknown): boolean {
    const text = JSON.stringify(body);
    if (told.get(what) === text) return false;
    told.set(what, text);
    return true;
  }

  function sayState(): void {
    const facts = { condition, provider: engineFacts?.provider, reason: engineReason };
    const { state } = daemonState(folders, facts, phase, started);
    const body = daemonState(folders, facts, phase, sinceWhen("state", state));
    if (!isNews("state", body)) return;
    publisher.setState(body);
    service.status(
      body.reason === undefined ? `${body.state}, engine ${body.engine}` : `${body.state}: ${body.reason}`,
    );
  }

  async function sayFolders(): Promise<void> {
    const { byFolder } = await ledger.counts();
    for (const folder of folders) {
      const { name } = folder.config;
      const { state } = folderBody(folder, undefined, started);
      const body = folderBody(folder, byFolder[name], sinceWhen(name, state));
      const { last_seen: _lastSeen, ...news } = body;
      if (isNews(name, news)) publisher.publish("folderState", body, { folder: name });
    }
  }

  function sayInfo(): void {
    publisher.publish(
      "info",
      infoBody(options.version, started, folders, models, engineFacts, config.mqtt.expose_paths),
    );
  }

  let foldersTold: NodeJS.Timeout | undefined;
  /** Many jobs may change at once; the folders' states follow once. */
  function sayFoldersSoon(): void {
    foldersTold ??= setTimeout(() => {
      foldersTold = undefined;
      sayFolders().catch(log.error);
      if (phase === "running") sayState();
    }, 200);
  }

  function sayJob(job: Job): void {
    if (endStatuses.has(job.status)) {
      publisher.publishEnd(bodyOf(job));
      for (const listener of endListeners) listener(job);
    } else publisher.publish("job", bodyOf(job), { job: job.id });
    sayFoldersSoon();
  }

  const folders: readonly Folder[] = config.folders.map((folder) =>
    createFolder({
      config: folder,
      settle: config.settle,
      makePath: options.makeFolders,
      ledger,
      log,
      onJobs: (jobs) => {
        for (const job of jobs) sayJob(job);
        queue.kick();
      },
      onFacts: () => {
        sayFoldersSoon();
        queue.kick();
      },
    }),
  );

  let progressToldMs = Number.NEGATIVE_INFINITY;
  let previewToldMs = Number.NEGATIVE_INFINITY;
  let delivered = { job: "", voxels: 0 };
  const queue = createQueue({
    ledger,
    engine: () => (condition === "warming" ? undefined : engine),
    folders,
    mostAttempts: config.jobs.attempts,
    reserveBytes: config.jobs.reserve_mib * 2 ** 20,
    fullRetryMs: sweepsPerFullRetry * config.settle.sweep_s * 1000,
    log,
    onJob: (job) => {
      if (job.error?.code === "engine-lost" || job.reason?.includes("engine process was lost")) {
        setCondition("lost", "the engine process was lost; it is started again for the next job");
      }
      sayJob(job);
    },
    onProgress: (job, progress) => {
      setCondition("ready");
      if (delivered.job !== job.id || progress.doneVoxels < delivered.voxels)
        delivered = { job: job.id, voxels: 0 };
      throughput.deliver(progress.doneVoxels - delivered.voxels, performance.now());
      delivered = { job: job.id, voxels: progress.doneVoxels };
      if (performance.now() - progressToldMs < progressMs) return;
      progressToldMs = performance.now();
      publisher.publish("jobProgress", progressMessage(job, progress, engineFacts?.provider), {
        job: job.id,
      });
    },
    onDone: (job, outcome, folder) => {
      setCondition("ready");
      const told = delivered.job === job.id ? delivered.voxels : 0;
      throughput.deliver(outcome.voxels - told, performance.now());
      delivered = { job: "", voxels: 0 };
      throughput.finish(outcome.voxels, outcome.elapsedS);
      showPreview(job, folder);
    },
  });

  function setCondition(next: EngineCondition, reason?: string): void {
    if (condition === next) return;
    condition = next;
    engineReason = reason;
    sayState();
  }

  /** Pictures are data: they go to a foreign broker only where that is asked for. */
  function showPreview(job: Job, folder: Folder): void {
    const wanted = config.mqtt.preview ?? broker !== undefined;
    if (!wanted || job.output === undefined || performance.now() - previewToldMs < previewMs) return;
    // A source that is moved away cannot be shown any more.
    if (folder.config.moveTo !== undefined) return;
    previewToldMs = performance.now();
    const { source, series, output } = job;
    folder.io.ask("preview", { source, series, output }).then(
      ({ displayRange, ...picture }) =>
        publisher.publish(
          "preview",
          { folder: job.folder, job: job.id, source, display_range: displayRange, ...picture },
          { folder: job.folder },
        ),
      (error: unknown) => log.warn(error, { job: job.id }),
    );
  }

  async function sayStats(): Promise<void> {
    const { byStatus, pendingBytes, pendingVoxels } = await ledger.counts();
    const eta = throughput.eta(Math.max(0, pendingVoxels - delivered.voxels));
    publisher.publish("stats", {
      voxels_per_s: throughput.voxelsPerS(performance.now()),
      window_s: windowS,
      jobs: byStatus,
      queue_bytes: pendingBytes,
      ...(eta === undefined ? {} : { eta_s: eta.etaS, eta_basis: eta.basis }),
      rss_bytes: process.memoryUsage.rss(),
      // The histogram counts the timer's own period in.
      loop_delay_p99_ms: Math.max(0, loopDelay.percentile(99) / 1e6 - loopResolutionMs),
      dropped_messages: publisher.dropped(),
    });
    loopDelay.reset();
  }

  let statsTimer: NodeJS.Timeout | undefined;
  function planStats(): void {
    statsTimer = setTimeout(
      () => {
        sayStats().catch(log.error).finally(planStats);
      },
      queue.running() === undefined ? statsIdleMs : statsBusyMs,
    );
  }

  const modelChecks = new AbortController();
  async function warmUp(): Promise<{ models: readonly Model[]; engine: EngineFacts | undefined }> {
    const dirs = [...new Set(config.folders.flatMap(modelsOf))];
    // Every machine has the CPU provider: what fails there fails everywhere.
    models = await Promise.all(dirs.map((dir) => checkModel(dir, "cpu", modelChecks.signal)));
    tellModelErrors();
    sayInfo();
    const [first, ...others] = models.filter((model) => "package" in model).map((model) => model.dir);
    if (first === undefined || phase !== "running") {
      condition = "lost";
      engineReason = "no model can run";
      sayState();
      return { models, engine: undefined };
    }
    service.extendStart(startStepMs * 4);
    engine = options.startEngine({
      models: [first, ...others],
      ...(config.engine.providers === null ? {} : { providers: config.engine.providers }),
      ...(config.engine.require === null ? {} : { require: config.engine.require }),
    });
    engineFacts = await engine.ready();
    const { provider } = engineFacts;
    if (provider !== "cpu") {
      models = await Promise.all(
        models.map((model) =>
          "error" in model ? model : checkModel(model.dir, provider, modelChecks.signal),
        ),
      );
      tellModelErrors();
    }
    setCondition("ready");
    sayInfo();
    queue.kick();
    return { models, engine: engineFacts };
  }

  function tellModelErrors(): void {
    const errors = new Map(models.flatMap((model) => ("error" in model ? [[model.dir, model.error]] : [])));
    for (const folder of folders) {
      const broken = modelsOf(folder.config).find((dir) => errors.has(dir));
      if (broken === undefined) continue;
      const error = errors.get(broken);
      if (error === undefined) continue;
      folder.learn({ modelError: error });
      log.warn(machineError(error.message, error), { folder: folder.config.name });
    }
  }

  for (const job of await ledger.recover(config.jobs.attempts)) sayJob(job);
  const last = await ledger.lastEnded();
  if (last !== undefined) publisher.publish("jobLast", bodyOf(last));
  sayInfo();
  await sayFolders();
  sayState();
  publisher.start();
  for (const folder of folders) folder.io.start();
  planStats();
  const heartbeat = setInterval(() => {
    told.clear();
    sayState();
    sayFolders().catch(log.error);
  }, heartbeatS * 1000);
  const unwatch = service.watch(() => ledger.counts());

  const warm = warmUp();
  warm.then(
    () => service.ready(`watching ${folders.length} folder(s)`),
    (error: unknown) => {
      if (phase !== "running") return;
      setCondition("lost", reportOf(error).message);
      failure.reject(error);
    },
  );

  let stopped: Promise<void> | undefined;
  async function stop(): Promise<void> {
    phase = "draining";
    service.stopping("finishing the running job");
    sayState();
    modelChecks.abort();
    clearInterval(heartbeat);
    clearTimeout(statsTimer);
    await queue.drain(config.shutdown.finish_s * 1000);
    await engine?.stop();
    await Promise.all(folders.map((folder) => folder.io.stop()));
    clearTimeout(foldersTold);
    phase = "stopped";
    const facts = { condition, provider: engineFacts?.provider, reason: undefined };
    await publisher.stop(daemonState(folders, facts, "stopped", new Date().toISOString()), lastWordMs);
    await broker?.stop();
    unwatch();
    loopDelay.disable();
    await ledger.close();
  }

  return {
    mqttUrl,
    embedded: broker !== undefined,
    warm,
    onEnd: (listener) => endListeners.push(listener),
    failed: failure.promise,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

async function secretFrom(file: string | null): Promise<string | undefined> {
  if (file === null) return undefined;
  return (await readConfigured(file)).toString("utf8").trimEnd();
}

async function readConfigured(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    throw machineError("a file that the configuration names cannot be read", {
      code: "config-file-unreadable",
      file,
      found: cause instanceof Error && "code" in cause ? String(cause.code) : "an unknown error",
      remedy: "Check the path and the right to read it",
      cause,
    });
  });
}

function brokerDown(url: string, reason: string) {
  return machineError("the MQTT broker is not connected", {
    code: "mqtt-down",
    at: url,
    found: reason,
    remedy: "Check mqtt.url, the user and the broker; it is tried again by itself and jobs go on",
    retryable: true,
  });
}

function deferredFailure(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<never>((_resolve, rejectIt) => {
    reject = rejectIt;
  });
  return { promise, reject };
}
