import type { Sizes } from "../../core/acquisition.ts";
import type { PlaneIndex } from "../../formats/plane/plane-source.ts";
import type { DenoiseJob } from "../job/denoise-job.ts";

/** Which axis the network sees as depth; it treats depth and time alike. */
export type DepthAxis = "z" | "t";

/** `auto`: Z where there is more than one, else T where there is more than one, else Z. */
export function depthAxisOf(wanted: DenoiseJob["depthAxis"], sizes: Sizes): DepthAxis {
  if (wanted !== "auto") return wanted;
  return sizes.z === 1 && sizes.t > 1 ? "t" : "z";
}

/** One stack of an acquisition: a channel at one place on the axis that is not depth. */
export interface StackPlace {
  readonly channel: number;
  /** On T where depth is Z, on Z where depth is T. */
  readonly other: number;
}

/** The stacks in the order in which their planes are written: the other axis slowest, then channels. */
export function stackPlaces(axis: DepthAxis, sizes: Sizes): StackPlace[] {
  const others = axis === "z" ? sizes.t : sizes.z;
  return Array.from({ length: others * sizes.c }, (_, i) => ({
    channel: i % sizes.c,
    other: Math.floor(i / sizes.c),
  }));
}

export function planeIndexOf(axis: DepthAxis, { channel, other }: StackPlace, depth: number): PlaneIndex {
  return axis === "z" ? { t: other, c: channel, z: depth } : { t: depth, c: channel, z: other };
}
