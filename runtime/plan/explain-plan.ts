import { type Acquisition, planeCount, sampleTypes } from "../../core/acquisition.ts";
import { counted } from "../../core/counted.ts";
import { stackPlaces } from "./depth-axis.ts";
import { jobMemoryNeed } from "./free-memory.ts";
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
  readonly notes: readonly string[];
}

export function explainPlan(plan: JobPlan, acquisition: Acquisition, output: string): Explanation {
  const { sizes, sampleType } = acquisition;
  const voxels = planeCount(sizes) * sizes.y * sizes.x;
  return {
    output,
    axes: `T ${sizes.t}, C ${sizes.c}, Z ${sizes.z}, Y ${sizes.y}, X ${sizes.x}`,
    stacks: `${stackPlaces(plan.depthAxis, sizes).length} of ${plan.stack.join(" x ")}, depth is ${plan.depthAxis.toUpperCase()}`,
    sample_type: sampleType === plan.sampleType ? sampleType : `${sampleType} to ${plan.sampleType}`,
    channels: plan.channels.map((channel, index) => `${index}: ${explainChannel(channel)}`),
    memory_gb: jobMemoryNeed(plan, acquisition) / 1e9,
    uncompressed_result_gb: (voxels * sampleTypes[plan.sampleType].bytes) / 1e9,
    notes: plan.notes,
  };
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
