import { isEdgeError } from "../core/errors.ts";
import type { ModelPackage } from "../core/package-settings.ts";
import type { DenoiseJob, DenoiseOutcome } from "./denoise-job.ts";
import type { TileMemory } from "./engine/tile-memory.ts";
import type { Network, TileShape } from "./network.ts";
import { denoiseAcquisition, type PipelineTools } from "./pipeline.ts";

/**
 * Denoises an acquisition; where the network runs out of memory, from the start again with tiles of half the voxels,
 * until they fit or cannot be made smaller. What fitted is remembered for this model and provider. Tiles that were
 * asked for by name are not changed. `release` gives the memory of the sessions back before each new try.
 */
export async function denoiseWithinMemory(
  job: DenoiseJob,
  tools: PipelineTools,
  memory: TileMemory,
  release: () => Promise<void>,
): Promise<DenoiseOutcome> {
  const { provider } = tools.network;
  const asked = job.tile !== undefined || job.overlap !== undefined;
  const learned = new Map<string, { model: ModelPackage; voxels: number }>();
  const notes: string[] = [];
  const largestTileVoxels = (model: ModelPackage): number | undefined =>
    learned.get(model.modelSha256)?.voxels ?? memory.largestVoxels(model, provider);

  for (;;) {
    const tooLarge: { model: ModelPackage; shape: TileShape }[] = [];
    const network = noticing(tools.network, (model, shape) => tooLarge.push({ model, shape }));
    try {
      const outcome = await denoiseAcquisition(job, { ...tools, network, largestTileVoxels, notes });
      for (const { model, voxels } of learned.values()) await memory.remember(model, provider, voxels);
      return outcome;
    } catch (error) {
      const [first] = tooLarge;
      if (first === undefined || asked || tools.signal.aborted) throw error;
      const { model, shape } = first;
      const voxels = shape[0] * shape[1] * shape[2];
      const limit = largestTileVoxels(model);
      // It was planned above the limit already: there is no smaller one.
      if (voxels === 1 || (limit !== undefined && voxels > limit)) throw error;
      learned.set(model.modelSha256, { model, voxels: Math.floor(voxels / 2) });
      notes.push(
        `memory was too small on ${provider} for tiles of ${shape.join(",")}: smaller ones were used`,
      );
      await release();
    }
  }
}

/** The same network, telling of each tile that found too little memory. */
function noticing(network: Network, onTooLarge: (model: ModelPackage, shape: TileShape) => void): Network {
  return {
    ...network,
    async run(model, shape, buffers) {
      try {
        return await network.run(model, shape, buffers);
      } catch (error) {
        if (isEdgeError(error, "network-memory")) onTooLarge(model, shape);
        throw error;
      }
    },
  };
}
