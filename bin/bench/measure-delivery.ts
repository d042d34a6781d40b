import type { ModelPackage } from "../../core/package-settings.ts";
import type { NetworkThread } from "../../runtime/engine/network-thread.ts";
import { type DenoiseOutcome, denoiseJobSchema, type Stage } from "../../runtime/job/denoise-job.ts";
import { makeTileBuffers } from "../../runtime/job/network.ts";
import type { FreeMemory } from "../../runtime/plan/free-memory.ts";
import { type BusyStage, busyStages } from "../../runtime/stack/busy-time.ts";
import { denoiseAcquisition } from "../../runtime/stack/pipeline.ts";

/**
 * Denoises `input` to `output` in this process, as the engine does, and says where the time went. It is refused where it
 * needs more than `freeMemory` says then.
 */
export async function measureDelivery(
  paths: { readonly input: string; readonly output: string },
  model: ModelPackage,
  network: NetworkThread,
  freeMemory: () => Promise<FreeMemory>,
  signal: AbortSignal,
) {
  /** Seconds by the clock in each stage of the job, one after the other. */
  const stageS: Partial<Record<Stage, number>> = {};
  /** Seconds of each kind of work; they overlap with each other and with the network. */
  const busyS = Object.fromEntries(busyStages.map((stage) => [stage, 0])) as Record<BusyStage, number>;
  let tiles = 0;
  let stage: Stage = "opening";
  const begin = performance.now();
  let entered = begin;
  const enter = (next: Stage): void => {
    const now = performance.now();
    stageS[stage] = (stageS[stage] ?? 0) + (now - entered) / 1000;
    [stage, entered] = [next, now];
  };
  const job = denoiseJobSchema.parse({ ...paths, overwrite: true, models: { default: model.dir } });
  const outcome = await denoiseAcquisition(job, {
    network: {
      ...network,
      run: (...args) => {
        tiles += 1;
        return network.run(...args);
      },
    },
    packageOf: async () => model,
    freeMemory,
    signal,
    onProgress: (progress) => {
      if (progress.stage !== stage) enter(progress.stage);
    },
    tellBusy: (kind, seconds) => {
      busyS[kind] += seconds;
    },
  });
  enter(stage);
  /** By the clock, from opening the source to the result's final name. */
  const elapsedS = (performance.now() - begin) / 1000;
  return { outcome, elapsedS, tiles, stageS, busyS };
}

/** Seconds inside the runtime for as many tiles of the same shape with nothing else going on. */
export async function measureBareTiles(
  { outcome, tiles }: { readonly outcome: DenoiseOutcome; readonly tiles: number },
  model: ModelPackage,
  network: NetworkThread,
): Promise<number> {
  const buffers = makeTileBuffers(outcome.tile);
  buffers.input.forEach((_, i) => {
    buffers.input[i] = 0.5 + 0.4 * Math.sin(i * 0.37);
  });
  let total = 0;
  for (let tile = 0; tile < tiles; tile += 1) {
    total += await network.run(model, outcome.tile, buffers);
  }
  return total;
}
