import type { Architecture } from "../../core/package-settings.ts";

/**
 * The block sets of the U-Net, in the order in which they run, with the channels that go in and out.
 * Source: AzR919/CNNT_Microscopy, `models/model.py`, class CNNTUnet.
 */

export type NormKind = "instance" | "batch" | "layer";

export interface BlockSet {
  /** As in the checkpoint's keys: `cnnt.<name>`. */
  readonly name: string;
  readonly channelsIn: number;
  readonly channelsOut: number;
  readonly norm: NormKind;
  /** Height and width are the input's divided by this. */
  readonly halvings: number;
  /** What follows the set. */
  readonly resize: "halve" | "double" | "none";
  /** The earlier set whose output (before halving) is concatenated after this one's, once doubled. */
  readonly skip?: string;
}

/** Channels between the first two convolutions and the U-Net, and of its output. */
export const trunkChannels = 32;
/** Channels between the outermost convolutions. */
export const stemChannels = 16;

export function blockSets(architecture: Architecture): BlockSet[] {
  const down = architecture.blocks.slice(0, -1);
  const bottom = architecture.blocks.at(-1) ?? 0;
  const levels = down.length;
  const norm = (name: string): NormKind => {
    if (architecture.norm_mode !== "mixed") return architecture.norm_mode;
    return name === "down1" || name === "final" ? "instance" : "batch";
  };
  const sets: BlockSet[] = [];
  let channels = trunkChannels;
  for (const [i, channelsOut] of down.entries()) {
    const name = `down${i + 1}`;
    sets.push({ name, channelsIn: channels, channelsOut, norm: norm(name), halvings: i, resize: "halve" });
    channels = channelsOut;
  }
  for (let i = 0; i < levels; i += 1) {
    const name = `up${i + 1}`;
    const skip = `down${levels - i}`;
    const channelsOut = upChannels(architecture.blocks, i);
    const around = { norm: norm(name), halvings: levels - i, resize: "double", skip } as const;
    sets.push({ name, channelsIn: channels, channelsOut, ...around });
    channels = channelsOut + (down[levels - 1 - i] ?? 0);
  }
  const name = "final";
  const channelsOut = architecture.blocks[1] ?? bottom;
  sets.push({ name, channelsIn: channels, channelsOut, norm: norm(name), halvings: 0, resize: "none" });
  return sets;
}

/** Channels of `up1`, `up2`, …: the bottom's, but for the last of four levels, which takes the third number. */
function upChannels(blocks: readonly number[], index: number): number {
  const bottom = blocks.at(-1) ?? 0;
  return blocks.length === 4 && index === 2 ? (blocks[2] ?? bottom) : bottom;
}

/** Height and width must be multiples of this. */
export function spatialMultiple(architecture: Architecture): number {
  return 2 ** (architecture.blocks.length - 1);
}
