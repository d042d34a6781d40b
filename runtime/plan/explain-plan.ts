import { type Acquisition, planeCount, sampleTypes } from "../../core/acquisition.ts";
import { counted } from "../../core/counted.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import type { TileShape } from "../job/network.ts";
import { memoryNeed } from "./choose-tile.ts";
import { stackPlaces } from "./depth-axis.ts";
import type { JobPlan } from "./plan-job.ts";
import { computedWords, overlapOf, tileCount, tileShapeOf } from "./tile-plan.ts";

/** A plan in words and numbers, for a person or a program that asks before anything is done. */
export interface Explanation {
  readonly output: string;
  readonly axes: string;
  readonly stacks: string;
  readonly sample_type: string;
  /** One line for each channel. */
  readonly channels: readonly string[];
  /** The largest need among the channels, estimated. */
  readonly memory_gb: number;
  readonly uncompressed_result_gb: number;
  /** In the network, from what `bench --tune` measured; a sentence where nothing was. */
  readonly expected_s: number | string;
  readonly notes: readonly string[];
}

export function explainPlan(
  plan: JobPlan,
  acquisition: Acquisition,
  output: string,
  rateOf: RateOf = () => undefined,
): Explanation {
  const { sizes, sampleType } = acquisition;
  const needs = plan.channels.map((channel) =>
    channel.kind === "pass"
      ? 0
      : memoryNeed(channel.tiles, {
          zoo: channel.model.zoo,
          settings: channel.model.settings,
          bytesPerSample: sampleTypes[sampleType].bytes,
        }),
  );
  const voxels = planeCount(sizes) * sizes.y * sizes.x;
  return {
    output,
    axes: `T ${sizes.t}, C ${sizes.c}, Z ${sizes.z}, Y ${sizes.y}, X ${sizes.x}`,
    stacks: `${stackPlaces(plan.depthAxis, sizes).length} of ${plan.stack.join(" x ")}, depth is ${plan.depthAxis.toUpperCase()}`,
    sample_type: sampleType === plan.sampleType ? sampleType : `${sampleType} to ${plan.sampleType}`,
    channels: plan.channels.map((channel, index) => `${index}: ${explainChannel(channel)}`),
    memory_gb: Math.max(...needs) / 1e9,
    uncompressed_result_gb: (voxels * sampleTypes[plan.sampleType].bytes) / 1e9,
    expected_s:
      expectedSeconds(plan, acquisition, rateOf) ?? "not known: `cnnt-edge bench --tune` measures it",
    notes: plan.notes,
  };
}

/** Voxels of input a second that a model takes in tiles of this shape; undefined where nothing was measured. */
export type RateOf = (model: ModelPackage, tile: TileShape) => number | undefined;

function expectedSeconds(
  { channels, depthAxis }: JobPlan,
  { sizes }: Acquisition,
  rateOf: RateOf,
): number | undefined {
  const stacksOfChannel = stackPlaces(depthAxis, sizes).length / sizes.c;
  let seconds = 0;
  for (const channel of channels) {
    if (channel.kind === "pass") continue;
    const tile = tileShapeOf(channel.tiles);
    const rate = rateOf(channel.model, tile);
    if (rate === undefined) return undefined;
    seconds += (stacksOfChannel * tileCount(channel.tiles) * elementCount(tile)) / rate;
  }
  return Number(seconds.toPrecision(2));
}

function explainChannel(channel: JobPlan["channels"][number]): string {
  if (channel.kind === "pass") return "passed on unchanged";
  const { model, tiles, normalization, zoo } = channel;
  return [
    `${model.name} ${model.version}`,
    `${counted(tileCount(tiles), "tile")} of ${tileShapeOf(tiles).join(",")} a stack`,
    `overlap ${overlapOf(tiles).join(",")}, ${tiles.kind} plan`,
    computedWords(tiles),
    zoo === undefined ? `normalization ${normalization.kind}` : "its description's operators",
  ].join(", ");
}
