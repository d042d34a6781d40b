import type { Elements } from "../torch/element-types.ts";
import { expectedTensors } from "./expected-tensors.ts";
import type { CnntNetwork } from "./network.ts";

/**
 * The network that `layer` norms tie to a height and width, for a smaller one: each `[channels, height, width]` of a norm
 * keeps its first rows and columns, everything else stays. It computes something other than the whole network, by the same
 * layers in the same order, with the same weights. Networks that take any size are returned as they are.
 */
export function croppedNetwork(network: CnntNetwork, height: number, width: number): CnntNetwork {
  const { architecture, fixedHeightWidth } = network;
  if (fixedHeightWidth === undefined) return network;
  const whole = expectedTensors(architecture, fixedHeightWidth);
  const smaller = expectedTensors(architecture, [height, width]);
  return {
    ...network,
    fixedHeightWidth: [height, width],
    weight(name) {
      const values = network.weight(name);
      const [channels = 0, rows = 0, columns = 0] = whole.get(name) ?? [];
      const [, keptRows = 0, keptColumns = 0] = smaller.get(name) ?? [];
      if (!/\.ln\d\.(weight|bias)$/.test(name)) return values;
      const kept: Elements = values.slice(0, channels * keptRows * keptColumns);
      for (let channel = 0; channel < channels; channel += 1) {
        for (let row = 0; row < keptRows; row += 1) {
          const from = (channel * rows + row) * columns;
          kept.set(values.subarray(from, from + keptColumns), (channel * keptRows + row) * keptColumns);
        }
      }
      return kept;
    },
  };
}
