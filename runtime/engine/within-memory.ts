import { isEdgeError } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import type { DenoiseJob, DenoiseOutcome } from "../job/denoise-job.ts";
import type { Network, TileShape } from "../job/network.ts";
import { tilesAreAsked } from "../plan/choose-tile.ts";
import type { TileLimits } from "../plan/plan-job.ts";
import { denoiseAcquisition, type PipelineTools } from "../stack/pipeline.ts";
import { smallerVoxels } from "./smaller-tiles.ts";

/** What is to be done when, and who is to be told. */
export interface MemoryEvents {
  /** Gives the memory of the sessions back, before each new try. */
  readonly release: () => Promise<void>;
  /** Tiles of so many voxels are given to a model from now on: if this process dies of it, somebody should know. */
  readonly onTile: (model: ModelPackage, voxels: number) => void;
  readonly onTooLarge: (note: string) => void;
}

/**
 * Denoises an acquisition; where the network runs out of memory, from the start again with tiles of half the voxels,
 * until they fit or cannot be made smaller; the result says so. Tiles that were asked for by name are not changed.
 */
export async function denoiseWithinMemory(
  job: DenoiseJob,
  tools: PipelineTools,
  { release, onTile, onTooLarge }: MemoryEvents,
): Promise<DenoiseOutcome> {
  const { provider } = tools.network;
  const asked = tilesAreAsked(job);
  const largest = new Map(Object.entries(job.largestTileVoxels));
  const notes: string[] = [];
  const limits: TileLimits = {
    ...tools.limits,
    largestVoxels: ({ modelSha256 }) => largest.get(modelSha256),
  };

  for (;;) {
    const tooLarge: { model: ModelPackage; shape: TileShape }[] = [];
    const network = noticing(tools.network, {
      onTile: (model, shape) => {
        if (!asked) onTile(model, elementCount(shape));
      },
      onTooLarge: (model, shape) => tooLarge.push({ model, shape }),
    });
    try {
      return await denoiseAcquisition(job, { ...tools, network, limits, notes });
    } catch (error) {
      const [first] = tooLarge;
      if (first === undefined || asked || tools.signal.aborted) throw error;
      const { model, shape } = first;
      const voxels = elementCount(shape);
      const limit = largest.get(model.modelSha256);
      // It was planned above the limit already: there is no smaller one.
      if (voxels === 1 || (limit !== undefined && voxels > limit)) throw error;
      largest.set(model.modelSha256, smallerVoxels(voxels));
      const note = `memory was too small on ${provider} for tiles of ${shape.join(",")}: smaller ones were used`;
      notes.push(note);
      onTooLarge(note);
      await release();
    }
  }
}

type OfTile = (model: ModelPackage, shape: TileShape) => void;

/** The same network, telling when tiles of another size begin, and of each that found too little memory. */
function noticing(network: Network, { onTile, onTooLarge }: { onTile: OfTile; onTooLarge: OfTile }): Network {
  let told = "";
  return {
    ...network,
    async run(model, shape, buffers) {
      const name = `${model.modelSha256} ${shape.join(",")}`;
      if (name !== told) onTile(model, shape);
      told = name;
      try {
        return await network.run(model, shape, buffers);
      } catch (error) {
        if (isEdgeError(error, "network-memory")) onTooLarge(model, shape);
        throw error;
      }
    },
  };
}
