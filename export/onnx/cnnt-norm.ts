import type { BlockSet } from "../cnnt/block-sets.ts";
import { type Context, toSingle, toWorking } from "./cnnt-layers.ts";

const epsilon = 1e-5;

export function norm(context: Context, set: BlockSet, cell: string, which: 1 | 2, x: string): string {
  const single = toSingle(context, `/${cell}/norm${which}_single`, x);
  return toWorking(context, `/${cell}/norm${which}_half`, singleNorm(context, set, cell, which, single));
}

function singleNorm(
  { graph, network }: Context,
  set: BlockSet,
  cell: string,
  which: 1 | 2,
  x: string,
): string {
  const channels = set.channelsOut;
  const weight = (name: string, shape: readonly number[]): string =>
    graph.floats(name, shape, network.weight(name));
  switch (set.norm) {
    case "instance": {
      const ones = graph.floats(`/ones_${channels}`, [channels], new Float32Array(channels).fill(1));
      const zeros = graph.floats(`/zeros_${channels}`, [channels], new Float32Array(channels));
      return graph.node("InstanceNormalization", `/${cell}/in${which}`, [x, ones, zeros], {
        epsilon: { float: epsilon },
      });
    }
    case "batch": {
      const name = `${cell}.bn${which}`;
      const parts = ["weight", "bias", "running_mean", "running_var"];
      const inputs = parts.map((part) => weight(`${name}.${part}`, [channels]));
      return graph.node("BatchNormalization", `/${name}`, [x, ...inputs], { epsilon: { float: epsilon } });
    }
    case "layer": {
      const name = `${cell}.ln${which}`;
      const [height, width] = network.fixedHeightWidth ?? [0, 0];
      const shape = [channels, height / 2 ** set.halvings, width / 2 ** set.halvings];
      const inputs = ["weight", "bias"].map((part) => weight(`${name}.${part}`, shape));
      return graph.node("LayerNormalization", `/${name}`, [x, ...inputs], {
        axis: 1,
        epsilon: { float: epsilon },
      });
    }
  }
}
