import type { Architecture } from "../../core/package-settings.ts";
import { blockSets, stemChannels, trunkChannels } from "../../export/cnnt/block-sets.ts";
import type { TileShape } from "../../runtime/job/network.ts";

/**
 * Multiplications with an addition that a CNNT needs for one tile: those of its convolutions and of the two products of
 * attention. Norms, GELU, softmax and resizing are not counted, as is usual.
 */
export function multiplyAdds(architecture: Architecture, [depth, height, width]: TileShape): number {
  const kernel = architecture.kernel_size ** 2;
  const pixels = height * width;
  const convolution = (channelsIn: number, channelsOut: number, halvings = 0): number =>
    (kernel * channelsIn * channelsOut * depth * pixels) / 4 ** halvings;

  const sets = blockSets(architecture);
  let total = convolution(1, stemChannels) + convolution(stemChannels, trunkChannels);
  for (const { channelsIn, channelsOut: c, halvings } of sets) {
    // Query, key, value, and the projection of what attention gives; then the two convolutions of the mixer.
    const convolutions = 4 * convolution(c, c, halvings);
    const mixer = architecture.with_mixer ? 2 * convolution(c, 4 * c, halvings) : 0;
    const attention = (2 * depth * depth * c * pixels) / 4 ** halvings;
    total += convolution(channelsIn, c, halvings);
    total += architecture.blocks_per_set * (convolutions + mixer + attention);
  }
  total += convolution(sets.at(-1)?.channelsOut ?? 0, trunkChannels);
  return total + convolution(trunkChannels, stemChannels) + convolution(stemChannels, 1);
}
