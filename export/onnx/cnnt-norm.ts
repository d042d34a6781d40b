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
    case "instance":
      return graph.node(
        "InstanceNormalization",
        `/${cell}/in${which}`,
        [
          x,
          graph.floats(`/ones_${channels}`, [channels], new Float32Array(channels).fill(1)),
          graph.floats(`/zeros_${channels}`, [channels], new Float32Array(channels)),
        ],
        { epsilon: { kind: "float", value: epsilon } },
      );
    case "batch": {
      const name = `${cell}.bn${which}`;
      const parts = ["weight", "bias", "running_mean", "running_var"];
      const inputs = parts.map((part) => weight(`${name}.${part}`, [channels]));
      return graph.node("BatchNormalization", `/${name}`, [x, ...inputs], {
        epsilon: { kind: "float", value: epsilon },
      });
    }
    case "layer": {
      const name = `${cell}.ln${which}`;
      const [height, width] = network.fixedHeightWidth ?? [0, 0];
      const shape = [channels, height / 2 ** set.halvings, width / 2 ** set.halvings];
      const inputs = ["weight", "bias"].map((part) => weight(`${name}.${part}`, shape));
      return graph.node("LayerNormalization", `/${name}`, [x, ...inputs], {
        axis: { kind: "int", value: 1 },
        epsilon: { kind: "float", value: epsilon },
      });
    }
  }
}
