import { totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode, machineError, reportOf } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { EngineOptions } from "../../runtime/engine/host.ts";
import { restartDelayMs } from "../../runtime/engine/restart-delay.ts";
import type { Engine, WarmUpResult } from "../../runtime/job/denoise-job.ts";
import { memoryLimitBytes } from "../../runtime/machine/memory-limit.ts";
import { type DaemonConfig, type ModelChoice, modelsOf } from "../config/resolve.ts";
import type { EngineCondition } from "../events/daemon-events.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "../folder/folder.ts";
import { isEngineLoss, isModelFault } from "../ledger/held-faults.ts";
import { createModelChecks, type ModelChecksOptions } from "../models/models.ts";

export type EngineSupervisor = ReturnType<typeof createEngineSupervisor>;

export interface EngineSupervisorOptions {
  readonly config: Pick<DaemonConfig, "engine" | "settle">;
  readonly folders: readonly Pick<Folder, "config">[];
  readonly startEngine: (options: EngineOptions) => Engine;
  readonly log: Pick<DaemonLog, "info" | "warn">;
  readonly runModel?: ModelChecksOptions["runModel"];
}

/** Before an engine that was lost in its warm-up is asked for again; its host then waits for `restartDelayMs` more. */
const pauseMs = 1000;

/** Models are looked at once a sweep; those in error are checked anyway after so many looks. */
const looksPerCheck = 150;

/** What another start of the engine may not meet. */
function mayPass(error: unknown): boolean {
  const report = reportOf(error);
  return isEngineLoss(report) || hasCode(report, "network-memory");
}

/**
 * The engine and the models that it may run. Tells `modelsChecked` and `engineChanged`; `failed` where a model was mended, but no engine can be had. Learns from the
 * jobs whether the engine is alive.
 */
export function createEngineSupervisor(
  events: Events,
  { config, folders, startEngine, log, runModel }: EngineSupervisorOptions,
) {
  const stopping = new AbortController();
  let chosen: readonly ModelChoice[] = [];
  const checks = createModelChecks({
    dirs: () => [...new Set([...folders.map((folder) => folder.config), ...chosen].flatMap(modelsOf))],
    signal: stopping.signal,
    everyCalls: looksPerCheck,
    onNews: log.info,
    runModel,
  });
  let engine: Engine | undefined;
  /** What the engine was started with: each time that its process is replaced, they are loaded again. */
  let startedWith: readonly string[] = [];
  let facts: WarmUpResult | undefined;
  let looks: NodeJS.Timeout | undefined;
  let condition: EngineCondition = "warming";
  let reason: string | undefined;

  function become(next: EngineCondition, why?: string): void {
    if (stopping.signal.aborted || (condition === next && reason === why)) return;
    condition = next;
    reason = why;
    events.tell("engineChanged", { condition, reason });
  }

  async function begin(): Promise<void> {
    const [first, ...others] = runnable();
    if (first === undefined || stopping.signal.aborted) {
      startedWith = [];
      become("lost", "no model can run");
      return;
    }
    startedWith = [first, ...others];
    const {
      providers,
      require,
      memory_limit,
      recycle_jobs,
      threads: intraOpThreads,
      priority,
    } = config.engine;
    const own = startEngine({
      models: [first, ...others],
      ...present({
        providers,
        require,
        memoryLimitBytes: memory_limit === null ? null : memoryLimitBytes(memory_limit, totalmem()),
        intraOpThreads,
        recycleAfterJobs: recycle_jobs || undefined,
      }),
      lowPriority: priority === "low",
      onRecycle: (jobs) => log.info(`the engine's process is replaced after ${jobs} jobs`),
      onTileTooLarge: (note) => log.warn(machineError(note, { code: "tile-too-large" })),
    });
    engine = own;
    try {
      await take(await own.ready());
    } catch (error) {
      if (!mayPass(error)) throw error;
      tellLoss(error, 1);
      void tryAgain(own);
    }
  }

  async function take(measured: WarmUpResult): Promise<void> {
    if (measured.provider !== "cpu") await check(() => checks.all(measured.provider, { keepErrors: true }));
    facts = measured;
    become("ready");
  }

  function tellLoss(error: unknown, losses: number): void {
    const { message } = reportOf(error);
    const nextS = (pauseMs + restartDelayMs(losses)) / 1000;
    const often = losses === 1 ? "" : ` ${losses} times in a row`;
    const news = `the engine was lost${often} while it warmed up; it is started again in ${nextS} s: ${message}`;
    become("lost", news);
    log.warn(machineError(news, { code: "engine-lost" }));
  }

  /** Starts an engine that was lost in its warm-up until it is warm, ever more slowly. Meanwhile the daemon goes on. */
  async function tryAgain(own: Engine): Promise<void> {
    for (let losses = 2; ; losses += 1) {
      // Lets a process that refused its work be gone.
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      try {
        const measured = await own.ready();
        if (engine === own) await inTurn(() => take(measured), undefined);
        return;
      } catch (error) {
        if (engine !== own || stopping.signal.aborted) return;
        if (isModelFault(reportOf(error))) return void inTurn(checkModels, true);
        if (!mayPass(error)) return void inTurn(() => Promise.reject(error), undefined);
        tellLoss(error, losses);
      }
    }
  }

  function runnable(): string[] {
    return checks.models().flatMap((model) => ("package" in model ? [model.dir] : []));
  }

  async function check(ask: () => Promise<boolean>): Promise<boolean> {
    const changed = await ask();
    // What a stop cut short says nothing of the models.
    if (stopping.signal.aborted) return false;
    if (changed) events.tell("modelsChecked", checks.models());
    return changed;
  }

  /** Every machine has the CPU provider: what fails there fails everywhere. */
  const provider = (): string => facts?.provider ?? "cpu";

  async function replaceEngine(): Promise<void> {
    const before = engine;
    [engine, facts] = [undefined, undefined];
    become("warming");
    await before?.stop();
    await begin();
  }

  async function checkModels(): Promise<boolean> {
    const changed = await check(() => checks.all(provider()));
    const good = runnable();
    const replaces = startedWith.some((dir) => !good.includes(dir));
    if (replaces) await replaceEngine();
    return changed || replaces;
  }

  /**
   * A model that was mended or replaced runs from the next job on, which names what was verified; the first of all
   * needs an engine. One that is no longer in order stays loaded for a job at work; no other comes, and its folder is held.
   */
  async function lookForChanged(): Promise<void> {
    const changed = await check(() => checks.changed(provider()));
    if (changed && engine === undefined) await begin();
  }

  /** The folder learns its new models when they were checked: no job of it meets one that was not. */
  async function choose(folder: Folder, choice: ModelChoice): Promise<void> {
    chosen = [choice];
    await checks.changed(provider());
    chosen = [];
    if (stopping.signal.aborted) return;
    folder.choose(choice);
    events.tell("modelsChecked", checks.models());
    if (engine === undefined) await begin();
  }

  let turn: Promise<unknown> = Promise.resolve();
  /** One after the other: two at once would start two engines. A daemon whose engine cannot be had has to end. */
  function inTurn<Answer>(act: () => Promise<Answer>, otherwise: Answer): Promise<Answer> {
    const own = turn.then(act).catch((error: unknown) => {
      become("lost", reportOf(error).message);
      if (!stopping.signal.aborted) events.tell("failed", error);
      return otherwise;
    });
    turn = own;
    return own;
  }

  function lookByTheClock(): void {
    if (stopping.signal.aborted) return;
    looks = setTimeout(() => {
      void inTurn(lookForChanged, undefined).then(lookByTheClock);
    }, config.settle.sweep_s * 1000);
  }

  async function warmUp() {
    await check(() => checks.all("cpu"));
    try {
      await begin();
    } catch (error) {
      // It was in order a moment ago.
      if (!isModelFault(reportOf(error)) || !(await checkModels())) throw error;
    }
    lookByTheClock();
    /** `engine`: undefined where no model can run. */
    return { models: checks.models(), engine: facts };
  }

  events.on("jobProgressed", () => become("ready"));
  events.on("jobChanged", ({ status }) => {
    if (status === "done") become("ready");
  });
  events.on("attemptFailed", ({ error }) => {
    if (isEngineLoss(error)) become("lost", error.message);
  });

  return {
    /** Checks the models, starts the engine, waits until it is warm. Rejects where the engine cannot be had. */
    warmUp: async () => {
      try {
        return await warmUp();
      } catch (error) {
        become("lost", reportOf(error).message);
        throw error;
      }
    },
    /** Once it is warm. */
    engine: (): Engine | undefined => (facts === undefined ? undefined : engine),
    facts: (): WarmUpResult | undefined => facts,
    models: checks.models,
    /**
     * Checks all models again, because a job met a fault of one, while no job runs. An engine that was started with one
     * that is not in order is replaced by one without it. True where that was so, or where a model is not what it was.
     */
    checkModels: (): Promise<boolean> => inTurn(checkModels, true),
    /** Checks what a folder is to run from now on, and tells it so; what is not in order holds the folder. */
    choose: (folder: Folder, choice: ModelChoice): Promise<void> =>
      inTurn(() => choose(folder, choice), undefined),
    condition: () => ({ condition, provider: facts?.provider, reason }),
    stop: async (): Promise<void> => {
      stopping.abort();
      clearTimeout(looks);
      await engine?.stop();
    },
  };
}
