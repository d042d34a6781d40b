import { formatError } from "../../core/errors.ts";
import type { Architecture } from "../../core/package-settings.ts";
import { type BlockSet, blockSets, stemChannels, trunkChannels } from "./block-sets.ts";

/** The names and shapes that a CNNT checkpoint must have, and what it may have besides. */

export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Kept by training, not used by inference: the causal mask and batch norm's counters. */
const ignorable = /\.attn\.mask$|\.num_batches_tracked$/;

export function expectedTensors(
  architecture: Architecture,
  heightWidth: readonly [number, number] | undefined,
): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const kernel = architecture.kernel_size;
  const convolution = (name: string, channelsIn: number, channelsOut: number): void => {
    shapes.set(`${name}.conv2d.weight`, [channelsOut, channelsIn, kernel, kernel]);
    shapes.set(`${name}.conv2d.bias`, [channelsOut]);
  };
  const norms = (name: string, set: BlockSet): void => {
    const channels = set.channelsOut;
    const [height, width] = heightWidth ?? [0, 0];
    const scale = 2 ** set.halvings;
    for (const which of [1, 2]) {
      if (set.norm === "batch") {
        for (const part of ["weight", "bias", "running_mean", "running_var"]) {
          shapes.set(`${name}.bn${which}.${part}`, [channels]);
        }
      }
      if (set.norm === "layer") {
        const shape = [channels, height / scale, width / scale];
        shapes.set(`${name}.ln${which}.weight`, shape);
        shapes.set(`${name}.ln${which}.bias`, shape);
      }
    }
  };

  convolution("pre_cnnt.0", 1, stemChannels);
  convolution("pre_cnnt.1", stemChannels, trunkChannels);
  const sets = blockSets(architecture);
  for (const set of sets) {
    const channels = set.channelsOut;
    convolution(`cnnt.${set.name}.input_proj`, set.channelsIn, channels);
    for (let i = 0; i < architecture.blocks_per_set; i += 1) {
      const cell = `cnnt.${set.name}.blocks.${i}`;
      norms(cell, set);
      for (const part of ["key", "query", "value", "output_proj"]) {
        convolution(`${cell}.attn.${part}`, channels, channels);
      }
      if (architecture.with_mixer) {
        convolution(`${cell}.mlp.0`, channels, 4 * channels);
        convolution(`${cell}.mlp.2`, 4 * channels, channels);
      }
    }
  }
  convolution("cnnt.output_proj", sets.at(-1)?.channelsOut ?? 0, trunkChannels);
  convolution("pos_cnnt.0", trunkChannels, stemChannels);
  convolution("pos_cnnt.1", stemChannels, 1);
  return shapes;
}

/** Refuses a checkpoint that lacks a tensor, has one of another shape, or has one that we would leave out. */
export function checkTensors(found: Shapes, expected: Shapes, file: string): void {
  for (const [name, shape] of expected) {
    const actual = found.get(name);
    if (actual === undefined)
      throw unfit("the checkpoint lacks a tensor of this network", name, "none", shape, file);
    if (actual.join() !== shape.join()) {
      throw unfit(
        "a tensor of the checkpoint has another shape",
        name,
        `[${actual.join(", ")}]`,
        shape,
        file,
      );
    }
  }
  for (const [name, shape] of found) {
    if (expected.has(name) || ignorable.test(name)) continue;
    throw formatError("the checkpoint holds a tensor that this network does not have", {
      code: "cnnt-unknown-tensor",
      file,
      at: name,
      found: `[${shape.join(", ")}]`,
      remedy:
        "The configuration may come from another training; check blocks, norm_mode and with_mixer in the JSON",
    });
  }
}

function unfit(what: string, name: string, found: string, shape: readonly number[], file: string) {
  return formatError(what, {
    code: "cnnt-tensor-unfit",
    file,
    at: name,
    found,
    allowed: `[${shape.join(", ")}]`,
    remedy:
      "The configuration may come from another training; check blocks, kernel_size and norm_mode in the JSON",
  });
}
