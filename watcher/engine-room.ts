import { totalmem } from "node:os";
import { join } from "node:path";
import { reportOf } from "../core/errors.ts";
import type { Engine, EngineFacts } from "../runtime/denoise-job.ts";
import type { EngineOptions } from "../runtime/engine/host.ts";
import { memoryLimitBytes } from "../runtime/memory-limit.ts";
import type { DaemonConfig } from "./config/resolve.ts";
import { checkModel, type Model, modelsOf } from "./models.ts";
import type { EngineCondition } from "./status.ts";

/** The engine and the models that it may run. */
export interface EngineRoom {
  /** Checks the models, starts the engine, waits until it is warm. Rejects where the engine cannot be had. */
  readonly warmUp: () => Promise<Warm>;
  /** Once it is warm. */
  readonly engine: () => Engine | undefined;
  readonly facts: () => EngineFacts | undefined;
  readonly models: () => readonly Model[];
  readonly condition: () => {
    condition: EngineCondition;
    provider: string | undefined;
    reason: string | undefined;
  };
  /** What a job showed of the engine. */
  readonly learn: (condition: "ready" | "lost", reason?: string) => void;
  readonly stop: () => Promise<void>;
}

export interface Warm {
  readonly models: readonly Model[];
  /** Undefined where no model can run. */
  readonly engine: EngineFacts | undefined;
}

export interface EngineRoomOptions {
  readonly config: DaemonConfig;
  readonly startEngine: (options: EngineOptions) => Engine;
  /** Models were checked, or the engine's condition changed. */
  readonly onChange: () => void;
  /** The engine's process is replaced after so many jobs. */
  readonly onRecycle: (jobs: number) => void;
  /** A tile found too little memory, and the job goes on with smaller ones. */
  readonly onTileTooLarge: (note: string) => void;
}

export function createEngineRoom({
  config,
  startEngine,
  onChange,
  onRecycle,
  onTileTooLarge,
}: EngineRoomOptions): EngineRoom {
  const checks = new AbortController();
  let engine: Engine | undefined;
  let facts: EngineFacts | undefined;
  let models: readonly Model[] = [];
  let condition: EngineCondition = "warming";
  let reason: string | undefined;

  function become(next: EngineCondition, why?: string): void {
    if (condition === next && reason === why) return;
    condition = next;
    reason = why;
    onChange();
  }

  async function check(provider: string): Promise<void> {
    const dirs = [...new Set(config.folders.flatMap(modelsOf))];
    const failed = new Map(models.flatMap((model) => ("error" in model ? [[model.dir, model]] : [])));
    models = await Promise.all(
      dirs.map((dir) => failed.get(dir) ?? checkModel(dir, provider, checks.signal)),
    );
    onChange();
  }

  async function warmUp(): Promise<Warm> {
    // Every machine has the CPU provider: what fails there fails everywhere.
    await check("cpu");
    const [first, ...others] = models.filter((model) => "package" in model).map((model) => model.dir);
    if (first === undefined || checks.signal.aborted) {
      become("lost", "no model can run");
      return { models, engine: undefined };
    }
    const { providers, require, memory_limit, recycle_jobs, threads, priority } = config.engine;
    engine = startEngine({
      models: [first, ...others],
      ...(providers === null ? {} : { providers }),
      ...(require === null ? {} : { require }),
      ...(memory_limit === null ? {} : { memoryLimitBytes: memoryLimitBytes(memory_limit, totalmem()) }),
      ...(threads === null ? {} : { intraOpThreads: threads }),
      lowPriority: priority === "low",
      ...(recycle_jobs === 0 ? {} : { recycleAfterJobs: recycle_jobs }),
      onRecycle,
      onTileTooLarge,
      tileMemoryFile: join(config.state, "tile-memory.json"),
    });
    const measured = await engine.ready();
    if (measured.provider !== "cpu") await check(measured.provider);
    facts = measured;
    become("ready");
    return { models, engine: facts };
  }

  return {
    warmUp: async () => {
      try {
        return await warmUp();
      } catch (error) {
        become("lost", reportOf(error).message);
        throw error;
      }
    },
    engine: () => (facts === undefined ? undefined : engine),
    facts: () => facts,
    models: () => models,
    condition: () => ({ condition, provider: facts?.provider, reason }),
    learn: become,
    stop: async () => {
      checks.abort();
      await engine?.stop();
    },
  };
}
