import type { NormKind } from "./block-sets.ts";
import type { CnntNetwork } from "./network.ts";
import { type Frames, mapped } from "./reference-layers.ts";

/** torch's default for all three norms. */
const epsilon = 1e-5;

/** The norm before attention (`which` 1) or before the mixer (`which` 2) of one cell. */
export function normalizeFrames(
  network: CnntNetwork,
  kind: NormKind,
  cell: string,
  which: 1 | 2,
  x: Frames,
): Frames {
  switch (kind) {
    case "instance":
      return standardize(x, x.height * x.width);
    case "layer":
      return scale(
        standardize(x, x.channels * x.height * x.width),
        network.weight(`${cell}.ln${which}.weight`),
        network.weight(`${cell}.ln${which}.bias`),
      );
    case "batch":
      return batchNorm(network, `${cell}.bn${which}`, x);
  }
}

/** Mean 0 and (population) variance 1 in every run of `group` values: one channel's image, or one whole frame. */
function standardize(x: Frames, group: number): Frames {
  const out = new Float64Array(x.data.length);
  for (let start = 0; start < x.data.length; start += group) {
    const values = x.data.subarray(start, start + group);
    const mean = values.reduce((sum, value) => sum + value, 0) / group;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / group;
    const inverse = 1 / Math.sqrt(variance + epsilon);
    for (const [i, value] of values.entries()) out[start + i] = (value - mean) * inverse;
  }
  return { ...x, data: out };
}

/** `weight` and `bias` are `[channels, height, width]`, the same for every frame. */
function scale(x: Frames, weight: ArrayLike<number>, bias: ArrayLike<number>): Frames {
  const frame = x.channels * x.height * x.width;
  return mapped(x, (value, i) => value * (weight[i % frame] ?? 0) + (bias[i % frame] ?? 0));
}

/** With the running statistics of training: inference does not look at the batch. */
function batchNorm(network: CnntNetwork, name: string, x: Frames): Frames {
  const weight = network.weight(`${name}.weight`);
  const bias = network.weight(`${name}.bias`);
  const mean = network.weight(`${name}.running_mean`);
  const variance = network.weight(`${name}.running_var`);
  const plane = x.height * x.width;
  return mapped(x, (value, i) => {
    const channel = Math.floor(i / plane) % x.channels;
    const standard = (value - (mean[channel] ?? 0)) / Math.sqrt((variance[channel] ?? 0) + epsilon);
    return standard * (weight[channel] ?? 0) + (bias[channel] ?? 0);
  });
}
