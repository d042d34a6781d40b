import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type EdgeError, machineError, usageError } from "../../core/errors.ts";
import {
  type DenoiseJob,
  type DenoiseOutcome,
  denoiseJobSchema,
  type Engine,
  type Progress,
} from "../job/denoise-job.ts";
import { interrupted, orInterrupted } from "../job/interrupted.ts";
import { defaultProviders, type ProviderName } from "../machine/providers.ts";
import type { ProcessEnd } from "../worker/process-channel.ts";
import { chooseProvider, type ProviderChoice } from "./choose-provider.ts";
import type { EngineSettings, JobEvent } from "./engine-duties.ts";
import { beginLife, type EngineLife } from "./engine-life.ts";
import { oomKills, ranOutOfMemory } from "./out-of-memory.ts";
import { restartDelayMs } from "./restart-delay.ts";
import { smallerVoxels } from "./smaller-tiles.ts";

type Adjustable = "intraOpThreads" | "lowPriority" | "memoryLimitBytes" | "tileLimits" | "idleReleaseMs";

type Adjusted = { readonly [Setting in Adjustable]?: EngineSettings[Setting] | undefined };

export interface EngineOptions extends Adjusted {
  /** Package folders; the first is run once at the start, so that `ready` reports what was measured. */
  readonly models: readonly [string, ...string[]];
  /** Tried in this order; `cuda`, then `cpu` by default. */
  readonly providers?: readonly ProviderName[];
  /** Refuse to run on anything else. */
  readonly require?: ProviderName | undefined;
  /** Environment of the engine process; ours by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** What to run as the engine process; tests put programs that hang or crash in its place. */
  readonly program?: URL;
  /** An engine from which nothing was heard for so long is killed. */
  readonly silenceMs?: number;
  /** What to run as the network's thread; tests put threads that hang or fail in its place. */
  readonly networkProgram?: URL;
  /** The process is replaced after so many jobs, between two of them; never by default. */
  readonly recycleAfterJobs?: number;
  readonly onRecycle?: (jobs: number) => void;
  /** A tile found too little memory, and the job goes on with smaller ones. */
  readonly onTileTooLarge?: (note: string) => void;
}

const engineProgram = new URL("./child.ts", import.meta.url);
const defaultSilenceMs = 60_000;
const defaultGraceMs = 5_000;

/** The job in the engine's hands. */
interface RunningJob {
  /** Tells it again when it is tried once more. */
  readonly key: string;
  readonly onProgress: (progress: Progress) => void;
  /** Before it: processes that the kernel killed for lack of memory. */
  oomKillsBefore: number;
  /** What the network was given last. */
  tile?: { readonly modelSha256: string; readonly voxels: number };
}

/**
 * Starts an engine: chooses the provider by trying each in a throw-away process, then keeps one child process with
 * it. The child is replaced when it is lost: at the next job, after a pause that grows with repeated losses.
 * Nothing here touches pixels or blocks.
 */
export function startEngine(options: EngineOptions): Engine {
  let choice: Promise<ProviderChoice> | undefined;
  /** Once for all lives of the engine; again only where it failed. */
  const chosen = (): Promise<ProviderChoice> => {
    const { require, providers = defaultProviders, models } = options;
    choice ??= chooseProvider({ providers: require === undefined ? providers : [require], models }).catch(
      (error: unknown) => {
        choice = undefined;
        throw error;
      },
    );
    return choice;
  };
  const stopping = new AbortController();
  let life: Promise<EngineLife> | undefined;
  /** The same once it has begun; not one that was replaced on purpose. */
  let living: EngineLife | undefined;
  let running: RunningJob | undefined;
  /** Jobs whose tiles ran out of memory with their process: what they may be given at the next try, by model. */
  const ranOut = new Map<string, Readonly<Record<string, number>>>();
  let lossesInARow = 0;
  let jobsOfLife = 0;
  /** The end of the last process that was replaced on purpose: two at once would share a GPU's memory. */
  let retired: Promise<void> = Promise.resolve();

  const begin = async (): Promise<EngineLife> => {
    const { provider } = await chosen();
    // Cut short by stop().
    await sleep(restartDelayMs(lossesInARow), undefined, { signal: stopping.signal }).catch(() => undefined);
    await retired;
    if (stopping.signal.aborted) throw stopped();
    jobsOfLife = 0;
    const own = beginLife({
      program: options.program ?? engineProgram,
      env: options.env ?? process.env,
      settings: settingsOf(options, provider),
      silenceMs: options.silenceMs ?? defaultSilenceMs,
      onEnd: async (end, stuck) => {
        if (living !== own) return stopped();
        const outOfMemory = running !== undefined && (await noteTooLarge(running, end));
        life = undefined;
        lossesInARow += 1;
        if (stopping.signal.aborted) return stopped();
        return stuck ?? (outOfMemory ? killedByMemory(end.how) : lost(end.how));
      },
    });
    living = own;
    return own;
  };

  /** Whether the process died of its tile. That size is not tried again for the same job then. */
  const noteTooLarge = async (
    { key, tile, oomKillsBefore }: RunningJob,
    end: ProcessEnd,
  ): Promise<boolean> => {
    if (tile === undefined) return false;
    if (!ranOutOfMemory(end, { before: oomKillsBefore, after: await oomKills() })) return false;
    ranOut.set(key, { ...ranOut.get(key), [tile.modelSha256]: smallerVoxels(tile.voxels) });
    return true;
  };

  const heard = (event: JobEvent, job: RunningJob): void => {
    if (event.kind === "progress") job.onProgress(event.progress);
    if (event.kind === "tile") job.tile = event;
    if (event.kind === "tile-too-large") options.onTileTooLarge?.(event.note);
  };

  const current = (): Promise<EngineLife> => {
    if (life === undefined) {
      const beginning = begin();
      life = beginning;
      beginning.catch(() => {
        if (life === beginning) life = undefined;
      });
    }
    return life;
  };

  const runJob = async (job: DenoiseJob, own: RunningJob, signal: AbortSignal): Promise<DenoiseOutcome> => {
    const { engine, warmUp } = await orInterrupted(current(), signal);
    await orInterrupted(warmUp, signal);
    own.oomKillsBefore = await oomKills();
    if (signal.aborted) throw interrupted();
    const outcome = await engine.ask("denoise", job, { signal, onEvent: (event) => heard(event, own) });
    lossesInARow = 0;
    jobsOfLife += 1;
    return outcome;
  };

  /** Memory that libraries leak in months of work goes back with the process. */
  const recycle = async (): Promise<void> => {
    if (jobsOfLife < (options.recycleAfterJobs ?? Number.POSITIVE_INFINITY)) return;
    const retiring = await current();
    options.onRecycle?.(jobsOfLife);
    [life, living] = [undefined, undefined];
    retired = retiring.stop(defaultGraceMs);
    current().catch(() => undefined);
  };

  // Wanted at once: the warm-up runs while the first acquisition is still being written.
  current().catch(() => undefined);

  return {
    async ready() {
      const { provider, rejected } = await chosen();
      const { warmUp } = await current();
      return { provider, rejected, ...(await warmUp) };
    },
    async denoise(input, { signal = new AbortController().signal, onProgress = () => undefined } = {}) {
      if (running !== undefined) {
        throw usageError("the engine is at work on another acquisition", {
          code: "engine-busy",
          remedy: "Wait for it, or start a second engine",
        });
      }
      const order = denoiseJobSchema.parse(input);
      const key = `${order.input} ${order.series}`;
      const job = { ...order, largestTileVoxels: { ...order.largestTileVoxels, ...ranOut.get(key) } };
      running = { key, onProgress, oomKillsBefore: Number.POSITIVE_INFINITY };
      try {
        const outcome = await runJob(job, running, signal);
        ranOut.delete(key);
        await recycle();
        return outcome;
      } finally {
        running = undefined;
      }
    },
    async stop(graceMs = defaultGraceMs) {
      stopping.abort();
      const last = await life?.catch(() => undefined);
      await Promise.all([retired, last?.stop(graceMs)]);
    },
  };
}

function settingsOf(options: EngineOptions, provider: ProviderName): EngineSettings {
  const { models, memoryLimitBytes, tileLimits, idleReleaseMs, networkProgram } = options;
  return {
    provider,
    models,
    intraOpThreads: options.intraOpThreads ?? availableParallelism(),
    lowPriority: options.lowPriority ?? false,
    memoryLimitBytes,
    tileLimits,
    idleReleaseMs,
    networkProgram: networkProgram?.href,
  };
}

function lost(how: string): EdgeError {
  return machineError("the engine process was lost", {
    code: "engine-lost",
    found: how,
    retryable: true,
    remedy: "It starts again for the next job; `cnnt-edge doctor` shows what this machine lacks",
  });
}

function killedByMemory(how: string): EdgeError {
  return machineError("the engine process ran out of memory", {
    code: "engine-memory",
    found: how,
    retryable: true,
    remedy: "The next try takes smaller tiles. Free memory on this machine, or set engine.memory_limit",
  });
}

function stopped(): EdgeError {
  return machineError("the engine was stopped", { code: "engine-stopped", retryable: true });
}
