import { Worker } from "node:worker_threads";
import { type EdgeError, errorFromReport, machineError } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { tensorShapes } from "../../core/tensor-layout.ts";
import type { Network } from "../job/network.ts";
import { type RunnableModel, runnableModel } from "./runnable-model.ts";
// Before the thread is started: it can no longer turn the telemetry off itself.
import "./no-telemetry.ts";
import { createTileDeadline, defaultTileLimits, type TileLimits } from "./tile-deadline.ts";
import type { WorkerReply, WorkerRequest, WorkerSettings } from "./worker-messages.ts";

type Request = WorkerRequest extends infer R ? (R extends { id: number } ? Omit<R, "id"> : never) : never;
type RunReply = Extract<WorkerReply, { ok: true; seconds: number }>;

/** The network on a worker thread of this process, as the process's main thread sees it. */
export interface NetworkThread extends Network {
  readonly load: (model: ModelPackage) => Promise<void>;
  /** Gives the memory of all models but these back. */
  readonly releaseAllBut: (models: readonly ModelPackage[]) => Promise<void>;
  /** Runs a tensor of any shape; for small ones, its output is allocated per call. */
  readonly runTensor: (
    model: RunnableModel,
    shape: readonly number[],
    input: Float32Array<ArrayBuffer>,
  ) => Promise<TensorRun>;
  /** Waits for the running tile, releases the sessions and ends the thread. */
  readonly close: () => Promise<void>;
}

export interface TensorRun {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
  /** Inside the runtime's run call. */
  readonly seconds: number;
}

export interface NetworkThreadOptions {
  /** What to run as the thread; tests put threads that hang or fail in its place. */
  readonly program?: URL;
  readonly limits?: TileLimits;
  /** The request at the head has taken too long. Nothing can stop the thread but the end of the process. */
  readonly onStuck?: (error: EdgeError) => void;
}

interface Waiting {
  readonly limitMs: number;
  readonly resolve: (reply: WorkerReply) => void;
  readonly reject: (error: Error) => void;
}

export function startNetworkThread(
  settings: WorkerSettings,
  runtimeVersion: string,
  options: NetworkThreadOptions = {},
): NetworkThread {
  // An empty execArgv: the file registers tsx itself, and what the process was started with would do so twice.
  const worker = new Worker(options.program ?? new URL("./ort-worker.js", import.meta.url), {
    workerData: settings,
    execArgv: [],
  });
  const limits = options.limits ?? defaultTileLimits;
  const deadline = createTileDeadline(limits);
  /** In the order in which they are served: the first is at work. */
  const waiting = new Map<number, Waiting>();
  const loaded = new Map<string, ModelPackage>();
  let lost: EdgeError | undefined;
  let nextId = 1;

  let watch: NodeJS.Timeout | undefined;

  const loseAll = (error: EdgeError): void => {
    lost ??= error;
    clearTimeout(watch);
    for (const { reject } of waiting.values()) reject(lost);
    waiting.clear();
  };
  /** Gives the request at the head its time. */
  const watchHead = (): void => {
    clearTimeout(watch);
    const [head] = waiting.values();
    if (head === undefined) return;
    watch = setTimeout(() => {
      const error = stuck(head.limitMs, settings.provider);
      loseAll(error);
      options.onStuck?.(error);
    }, head.limitMs);
  };
  worker.on("message", (reply: WorkerReply) => {
    const request = waiting.get(reply.id);
    waiting.delete(reply.id);
    request?.resolve(reply);
    watchHead();
  });
  worker.on("error", (error) => loseAll(threadEnded(error.message, error)));
  worker.on("exit", (code) => loseAll(threadEnded(`exit code ${code}`)));

  const ask = async (
    request: Request,
    moved: readonly ArrayBuffer[] = [],
    limitMs = limits.firstRunMs,
  ): Promise<WorkerReply> => {
    if (lost !== undefined) throw lost;
    const id = nextId;
    nextId += 1;
    const reply = await new Promise<WorkerReply>((resolve, reject) => {
      waiting.set(id, { limitMs, resolve, reject });
      if (waiting.size === 1) watchHead();
      worker.postMessage({ ...request, id }, moved);
    });
    if (!reply.ok) throw errorFromReport(reply.error);
    return reply;
  };

  return {
    provider: settings.provider,
    runtimeVersion,
    async load(model) {
      await ask({ kind: "load", model: runnableModel(model) });
      loaded.set(model.modelFile, model);
    },
    async releaseAllBut(models) {
      const kept = new Set(models.map((model) => model.modelFile));
      for (const modelFile of [...loaded.keys()]) {
        if (kept.has(modelFile)) continue;
        loaded.delete(modelFile);
        await ask({ kind: "release", modelFile });
      }
    },
    async run(model, tile, { input, output }) {
      loaded.set(model.modelFile, model);
      const { input: shape, output: outputShape } = tensorShapes(model, tile);
      const runnable = runnableModel(model);
      const request = { kind: "run", model: runnable, shape, outputShape, input, output } as const;
      const shapeName = `${model.modelFile} ${tile.join(",")}`;
      const voxels = input.length;
      const limitMs = deadline.limitMs(shapeName, voxels);
      const { seconds } = (await ask(request, [], limitMs)) as RunReply;
      deadline.learn(shapeName, voxels, seconds);
      return seconds;
    },
    async runTensor(model, shape, input) {
      const request = { kind: "run", model, shape, input } as const;
      const reply = (await ask(request, [input.buffer])) as RunReply;
      const data = reply.output ?? new Float32Array();
      return { shape: reply.outputShape, data, seconds: reply.seconds };
    },
    async close() {
      if (lost !== undefined) return;
      const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
      await ask({ kind: "close" });
      await ended;
    },
  };
}

function threadEnded(found: string, cause?: unknown): EdgeError {
  return machineError("the thread that runs the network ended", {
    code: "network-lost",
    found,
    retryable: true,
    remedy: "Run `cnnt-edge doctor`",
    cause,
  });
}

function stuck(limitMs: number, provider: string): EdgeError {
  return machineError("the network was stuck in one tile", {
    code: "network-stuck",
    at: `provider ${provider}`,
    found: `no result after ${limitMs / 1000} s`,
    retryable: true,
    remedy: "The engine is started again; if it happens again, run `cnnt-edge doctor`, or use provider cpu",
  });
}
