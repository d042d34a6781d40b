import { type EdgeError, machineError } from "../../core/errors.ts";
import { type ModelPackage, tensorShapes } from "../../core/package-settings.ts";
import type { Network } from "../job/network.ts";
import { connect } from "../worker/connect.ts";
import { startThread } from "../worker/thread-channel.ts";
import type { NetworkDuties, NetworkSettings } from "./network-duties.ts";
import { type RunnableModel, runnableModel } from "./runnable-model.ts";
// Before the thread is started: it can no longer turn the telemetry off itself.
import "./no-telemetry.ts";
import { createTileDeadline, type DeadlineLimits, defaultDeadlineLimits } from "./tile-deadline.ts";

/** The network on a worker thread of this process, as the process's main thread sees it. */
export interface NetworkThread extends Network {
  readonly load: (model: ModelPackage) => Promise<void>;
  /** Gives the memory of all models but these back. */
  readonly releaseAllBut: (models: readonly ModelPackage[]) => Promise<void>;
  /** Runs a tensor of any shape; answers the seconds inside the runtime's run call. */
  readonly runTensor: (
    model: RunnableModel,
    shape: readonly number[],
    input: Float32Array,
  ) => Promise<number>;
  /** Waits for the running tile, releases the sessions and ends the thread. */
  readonly close: () => Promise<void>;
}

export function startNetworkThread(
  settings: NetworkSettings,
  runtimeVersion: string,
  options: {
    /** What to run as the thread; tests put threads that hang or fail in its place. */
    readonly program?: URL;
    readonly limits?: DeadlineLimits;
    /** The request at the head has taken too long. Nothing can stop the thread but the end of the process. */
    readonly onStuck?: (error: EdgeError) => void;
  } = {},
): NetworkThread {
  const thread = startThread(options.program ?? new URL("./ort-worker.ts", import.meta.url), settings);
  const limits = options.limits ?? defaultDeadlineLimits;
  const deadline = createTileDeadline(limits);
  /** In the order in which it is served: the first is at work. */
  const waiting = new Set<{ readonly limitMs: number }>();
  const loaded = new Map<string, ModelPackage>();
  let lost = false;
  let watch: NodeJS.Timeout | undefined;

  const network = connect<NetworkDuties, object>(thread, {}, ({ how, cause }) => {
    lost = true;
    return machineError("the thread that runs the network ended", {
      code: "network-lost",
      found: how,
      retryable: true,
      remedy: "Run `cnnt-edge doctor`",
      cause,
    });
  });
  /** Gives what is at work its time. */
  const watchFirst = (): void => {
    clearTimeout(watch);
    const [first] = waiting;
    if (first === undefined) return;
    watch = setTimeout(() => {
      const error = machineError("the network was stuck in one tile", {
        code: "network-stuck",
        at: `provider ${settings.provider}`,
        found: `no result after ${first.limitMs / 1000} s`,
        retryable: true,
        remedy:
          "The engine is started again; if it happens again, run `cnnt-edge doctor`, or use provider cpu",
      });
      lost = true;
      network.end(error);
      options.onStuck?.(error);
    }, first.limitMs);
  };
  const inTime = async <Answer>(ask: () => Promise<Answer>, limitMs = limits.firstRunMs): Promise<Answer> => {
    const own = { limitMs };
    waiting.add(own);
    if (waiting.size === 1) watchFirst();
    try {
      return await ask();
    } finally {
      waiting.delete(own);
      watchFirst();
    }
  };

  return {
    provider: settings.provider,
    runtimeVersion,
    ...(settings.provider === "cpu" ? { threads: settings.intraOpThreads } : {}),
    async load(model) {
      await inTime(() => network.ask("load", runnableModel(model)));
      loaded.set(model.modelFile, model);
    },
    async releaseAllBut(models) {
      const kept = new Set(models.map((model) => model.modelFile));
      for (const modelFile of [...loaded.keys()]) {
        if (kept.has(modelFile)) continue;
        loaded.delete(modelFile);
        await inTime(() => network.ask("release", modelFile));
      }
    },
    async run(model, tile, { input, output }) {
      loaded.set(model.modelFile, model);
      const { input: shape, output: outputShape } = tensorShapes(model, tile);
      const request = { model: runnableModel(model), shape, outputShape, input, output };
      const shapeName = `${model.modelFile} ${tile.join(",")}`;
      const limitMs = deadline.limitMs(shapeName, input.length);
      const seconds = await inTime(() => network.ask("run", request), limitMs);
      deadline.learn(shapeName, input.length, seconds);
      return seconds;
    },
    runTensor: (model, shape, input) => inTime(() => network.ask("run", { model, shape, input })),
    async close() {
      if (lost) return;
      await inTime(() => network.ask("close", undefined));
      await thread.terminate();
    },
  };
}
