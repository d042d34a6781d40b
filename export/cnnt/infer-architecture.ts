import { formatError, usageError } from "../../core/errors.ts";
import type { Architecture } from "../../core/package-settings.ts";
import type { Shapes } from "./expected-tensors.ts";

/**
 * What the shapes and names of a checkpoint tell of the network, and what they cannot tell. Numbers that training
 * wrote down must agree with the shapes: one of the two files would be the wrong one.
 */

/** The part of the architecture that somebody stated (training's JSON, options of the command line). */
export type StatedArchitecture = { readonly [K in keyof Architecture]?: Architecture[K] | undefined };

/** With what the weights cannot tell. */
export type ToldArchitecture = StatedArchitecture & Pick<Architecture, "n_head" | "no_residual">;

export function completeArchitecture(shapes: Shapes, stated: ToldArchitecture, file: string): Architecture {
  const visible = visibleArchitecture(shapes, file);
  for (const key of ["blocks", "blocks_per_set", "kernel_size", "norm_mode", "with_mixer"] as const) {
    const said = stated[key];
    if (said !== undefined && String(said) !== String(visible[key])) {
      throw usageError(`the configuration and the checkpoint disagree about ${key}`, {
        code: "cnnt-config-disagrees",
        file,
        found: `${String(visible[key])} in the checkpoint`,
        allowed: `${String(said)} as configured`,
        remedy: "Give the JSON that training wrote beside these weights",
      });
    }
  }
  const { n_head: heads, no_residual } = stated;
  const possible = possibleHeads(visible.blocks);
  if (!possible.includes(heads)) {
    throw usageError("the number of attention heads does not fit the weights", {
      code: "cnnt-heads",
      file,
      found: `${heads}`,
      allowed: `one of ${possible.join(", ")}`,
      remedy: "Give the number that training used: --config with its JSON (n_head), or --heads",
    });
  }
  return { ...visible, n_head: heads, no_residual };
}

/** Head counts that a checkpoint's shapes allow. Throws `EdgeError` where they are those of no CNNT. */
export function possibleHeadsOf(shapes: Shapes, file: string): number[] {
  return possibleHeads(visibleArchitecture(shapes, file).blocks);
}

/** Head counts that split the channels of every block set. */
function possibleHeads(blocks: readonly number[]): number[] {
  const largest = Math.min(...blocks);
  return Array.from({ length: largest }, (_, i) => i + 1).filter((n) =>
    blocks.every((channels) => channels % n === 0),
  );
}

/** Wider ones than any network; the published default is 96 at most. */
const maxChannels = 4096;

/** Height and width of training, where `layer` norm ties the network to them. */
export function fixedHeightWidthOf(shapes: Shapes): readonly [number, number] | undefined {
  const [, height, width] = shapes.get("cnnt.down1.blocks.0.ln1.weight") ?? [];
  return height === undefined || width === undefined ? undefined : [height, width];
}

export function visibleArchitecture(
  shapes: Shapes,
  file: string,
): Omit<Architecture, "n_head" | "no_residual"> {
  const first = (name: string): number => {
    const length = shapes.get(name)?.[0];
    if (length === undefined || length < 1 || length > maxChannels) throw unusable(name, file);
    return length;
  };
  const channels = (set: string): number => first(`cnnt.${set}.input_proj.conv2d.bias`);
  const has = (name: string): boolean => shapes.has(name);
  const levels = [1, 2, 3, 4].filter((i) => has(`cnnt.down${i}.input_proj.conv2d.bias`)).length;
  if (levels < 1 || levels > 3) throw unusable("cnnt.down1.input_proj.conv2d.bias", file);
  const down = Array.from({ length: levels }, (_, i) => channels(`down${i + 1}`));
  const blocks = [...down, channels("up1")];
  let cells = 0;
  while (has(`cnnt.down1.blocks.${cells}.attn.key.conv2d.bias`)) cells += 1;
  const kernel = shapes.get("pre_cnnt.0.conv2d.weight");
  if (cells === 0 || kernel?.[2] === undefined || kernel[2] !== kernel[3] || kernel[2] % 2 === 0) {
    throw unusable("pre_cnnt.0.conv2d.weight", file);
  }
  const normOf = (set: string) => {
    if (has(`cnnt.${set}.blocks.0.bn1.weight`)) return "batch" as const;
    return has(`cnnt.${set}.blocks.0.ln1.weight`) ? ("layer" as const) : ("instance" as const);
  };
  const mixed = normOf("down1") === "instance" && normOf("up1") === "batch";
  return {
    blocks,
    blocks_per_set: cells,
    kernel_size: kernel[2],
    norm_mode: mixed ? "mixed" : normOf("down1"),
    with_mixer: has("cnnt.down1.blocks.0.mlp.0.conv2d.bias"),
  };
}

function unusable(name: string, file: string) {
  return notCnnt(`no usable ${name}`, file);
}

/** `found`: what there is instead. */
export function notCnnt(found: string, file: string) {
  return formatError("these are not the weights of a CNNT network", {
    code: "cnnt-not",
    file,
    found,
    remedy:
      "Export what the CNNT training wrote; other networks come as bioimage.io packages with ONNX weights",
  });
}
