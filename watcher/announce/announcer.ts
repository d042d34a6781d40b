import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ErrorReport } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { EngineSupervisor } from "../engine/engine-supervisor.ts";
import type { DaemonEvents } from "../events/daemon-events.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "../folder/folder.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Publisher } from "../publish/publisher.ts";
import type { ServiceManager } from "../publish/service-manager.ts";
import { daemonState, folderBody, heartbeatS, infoBody } from "./status.ts";
import { type Throughput, windowS } from "./throughput.ts";

export interface AnnouncerOptions {
  readonly version: string;
  readonly exposePaths: boolean;
  readonly publisher: Publisher;
  readonly service: ServiceManager;
  readonly ledger: Ledger;
  readonly ledgerTrouble: () => ErrorReport | undefined;
  readonly engine: Pick<EngineSupervisor, "condition" | "facts" | "models">;
  readonly folders: readonly Folder[];
  readonly throughput: Throughput;
  readonly log: DaemonLog;
}

const soonMs = 200;
const statsBusyMs = 5_000;
const statsIdleMs = 60_000;
const loopResolutionMs = 10;

/** After each of these there may be something new to say. */
const news = [
  "jobChanged",
  "folderChanged",
  "keptChanged",
  "modelsChecked",
  "engineChanged",
  "ledgerChanged",
] as const satisfies (keyof DaemonEvents)[];

/** Says how the daemon, its folders and its queue stand: when that changes, and by the clock. */
export function createAnnouncer(events: Events, options: AnnouncerOptions) {
  const { publisher, throughput, ledger, folders, engine, log } = options;
  const started = new Date().toISOString();
  const since = new Map<string, { state: string; at: string }>();
  const told = new Map<string, string>();
  const loopDelay = monitorEventLoopDelay({ resolution: loopResolutionMs });
  const timers: NodeJS.Timeout[] = [];
  let phase: "running" | "draining" = "running";
  let soonTimer: NodeJS.Timeout | undefined;
  let statsSaidMs = Number.NEGATIVE_INFINITY;

  /** The time since which `what` has been `state`. */
  function sinceWhen(what: string, state: string): string {
    const before = since.get(what);
    if (before?.state === state) return before.at;
    const at = new Date().toISOString();
    since.set(what, { state, at });
    return at;
  }

  function isNews(what: string, body: unknown): boolean {
    const text = JSON.stringify(body);
    if (told.get(what) === text) return false;
    told.set(what, text);
    return true;
  }

  function sayState(): void {
    const now = daemonState(folders, engine.condition(), options.ledgerTrouble(), phase, started);
    const body = { ...now, since: sinceWhen("state", now.state) };
    if (!isNews("state", body)) return;
    publisher.setState(body);
    options.service.status(
      `${body.state}, engine ${body.engine}${body.reason === undefined ? "" : `: ${body.reason}`}`,
    );
  }

  async function sayFolders(): Promise<void> {
    const [{ byFolder }, kept] = await Promise.all([ledger.counts(), ledger.keptSources()]);
    for (const folder of folders) {
      const { name } = folder.config;
      const now = folderBody(folder, byFolder[name], kept[name], started);
      const body = { ...now, since: sinceWhen(`folder ${name}`, now.state) };
      const { last_seen: _lastSeen, ...news } = body;
      if (isNews(`folder ${name}`, news)) publisher.publish("folderState", body, { folder: name });
    }
  }

  function sayInfo(): void {
    const body = infoBody(
      options.version,
      started,
      folders,
      engine.models(),
      engine.facts(),
      options.exposePaths,
    );
    if (isNews("info", body)) publisher.publish("info", body);
  }

  async function sayStats(): Promise<void> {
    const doneVoxels = throughput.runningVoxels();
    const dueMs = doneVoxels === undefined ? statsIdleMs : statsBusyMs;
    // The clock that calls may be a little early.
    if (performance.now() - statsSaidMs < dueMs - soonMs) return;
    statsSaidMs = performance.now();
    const { byStatus, pendingBytes, pendingVoxels } = await ledger.counts();
    const eta = throughput.eta(Math.max(0, pendingVoxels - (doneVoxels ?? 0)));
    publisher.publish("stats", {
      voxels_per_s: throughput.voxelsPerS(),
      window_s: windowS,
      jobs: byStatus,
      queue_bytes: pendingBytes,
      ...present({ eta_s: eta?.etaS, eta_basis: eta?.basis }),
      rss_bytes: process.memoryUsage.rss(),
      // The histogram counts the timer's own period in.
      loop_delay_p99_ms: Math.max(0, loopDelay.percentile(99) / 1e6 - loopResolutionMs),
      dropped_messages: publisher.dropped(),
    });
    loopDelay.reset();
  }

  async function sayAll(): Promise<void> {
    sayInfo();
    // Before what the ledger is asked for: it may be the trouble.
    sayState();
    await sayFolders();
  }

  /** Many things may change at once; what is new is said once. */
  function soon(): void {
    soonTimer ??= setTimeout(() => {
      soonTimer = undefined;
      sayAll().catch(log.error);
    }, soonMs);
  }

  for (const name of news) events.on(name, soon);

  return {
    start: async (): Promise<void> => {
      loopDelay.enable();
      await sayAll();
      timers.push(setInterval(() => void sayStats().catch(log.error), statsBusyMs));
      timers.push(
        setInterval(() => {
          // Old news with a new time: readers tell by it that we are alive.
          told.clear();
          sayAll().catch(log.error);
        }, heartbeatS * 1000),
      );
    },
    drain: (): void => {
      phase = "draining";
      sayState();
    },
    /** Answers the last state of all. */
    stop: () => {
      clearTimeout(soonTimer);
      for (const timer of timers) clearInterval(timer);
      loopDelay.disable();
      return daemonState(folders, engine.condition(), undefined, "stopped", new Date().toISOString());
    },
  };
}
