import type { Tensor64 } from "../../core/tensor.ts";
import { type BlockSet, blockSets, type NormKind } from "./block-sets.ts";
import type { CnntNetwork } from "./network.ts";
import {
  add,
  concatenate,
  convolve,
  double,
  type Frames,
  gelu,
  halve,
  mapped,
  subtract,
} from "./reference-layers.ts";

/**
 * The CNNT's forward pass in float64, one obvious step after the other. It is slow, and it is the judge: a package's
 * expected test output comes from here, and the ONNX graph must agree with it. It is also the shortest full
 * description of the network.
 *
 * Source: AzR919/CNNT_Microscopy, `models/enhancement_model.py` (CNNT_enhanced_denoising_runtime) and
 * `models/model.py` (CNNTUnet, BlockSet, CnnTransformer); arXiv:2404.04726.
 */

/** `input` and the result are `[B, T, 1, H, W]`; H and W multiples of `network.spatialMultiple`. */
export function referenceForward(network: CnntNetwork, input: Tensor64): Tensor64 {
  const [batch = 1, depth = 1, , height = 1, width = 1] = input.shape;
  const voxels = depth * height * width;
  const out = new Float64Array(input.data.length);
  for (let b = 0; b < batch; b += 1) {
    const data = input.data.slice(b * voxels, (b + 1) * voxels);
    out.set(denoise(network, { depth, channels: 1, height, width, data }).data, b * voxels);
  }
  return { shape: input.shape, data: out };
}

function denoise(network: CnntNetwork, image: Frames): Frames {
  const before = convolution(network, "pre_cnnt.1", convolution(network, "pre_cnnt.0", image));
  const estimate = uNet(network, before);
  const features = network.architecture.no_residual ? estimate : subtract(before, estimate);
  return convolution(network, "pos_cnnt.1", convolution(network, "pos_cnnt.0", features));
}

function uNet(network: CnntNetwork, input: Frames): Frames {
  const beforeHalving = new Map<string, Frames>();
  let x = input;
  for (const set of blockSets(network.architecture)) {
    x = blockSet(network, set, x);
    if (set.resize === "halve") {
      beforeHalving.set(set.name, x);
      x = halve(x);
    }
    if (set.resize === "double") {
      const skip = set.skip === undefined ? undefined : beforeHalving.get(set.skip);
      x = skip === undefined ? double(x) : concatenate(double(x), skip);
    }
  }
  return convolution(network, "cnnt.output_proj", x);
}

function blockSet(network: CnntNetwork, set: BlockSet, input: Frames): Frames {
  const { blocks_per_set: cells, n_head: heads, with_mixer: withMixer } = network.architecture;
  let x = convolution(network, `cnnt.${set.name}.input_proj`, input);
  for (let i = 0; i < cells; i += 1) {
    const cell = `cnnt.${set.name}.blocks.${i}`;
    x = add(x, attention(network, `${cell}.attn`, heads, normalizeFrames(network, set.norm, cell, 1, x)));
    if (withMixer) x = add(x, mixer(network, `${cell}.mlp`, normalizeFrames(network, set.norm, cell, 2, x)));
  }
  return x;
}

function attention(network: CnntNetwork, name: string, heads: number, x: Frames): Frames {
  const key = convolution(network, `${name}.key`, x);
  const query = convolution(network, `${name}.query`, x);
  const value = convolution(network, `${name}.value`, x);
  return convolution(network, `${name}.output_proj`, attend(query, key, value, heads));
}

function mixer(network: CnntNetwork, name: string, x: Frames): Frames {
  return convolution(network, `${name}.2`, gelu(convolution(network, `${name}.0`, x)));
}

function convolution(network: CnntNetwork, name: string, x: Frames): Frames {
  const weight = network.weight(`${name}.conv2d.weight`);
  const bias = network.weight(`${name}.conv2d.bias`);
  return convolve(x, weight, bias, network.architecture.kernel_size);
}

/**
 * Attention between frames. Each head takes its share of the channels; a frame's whole image of those channels is one
 * long vector, so that the scores are a T x T matrix: which planes (or time points) should be mixed into which.
 * `softmax(q kᵀ / sqrt(vector length)) v`, not causal. All arguments and the result have one shape.
 * Source: AzR919/CNNT_Microscopy, `models/model.py`, class CnnSelfAttention.
 */
function attend(query: Frames, key: Frames, value: Frames, heads: number): Frames {
  const { depth, channels, height, width } = query;
  const length = (channels / heads) * height * width;
  const frame = channels * height * width;
  const out = new Float64Array(value.data.length);
  for (let head = 0; head < heads; head += 1) {
    for (let t = 0; t < depth; t += 1) {
      const own = t * frame + head * length;
      const scores = Array.from({ length: depth }, (_, s) => {
        const other = s * frame + head * length;
        let product = 0;
        for (let i = 0; i < length; i += 1)
          product += (query.data[own + i] ?? 0) * (key.data[other + i] ?? 0);
        return product / Math.sqrt(length);
      });
      for (const [s, weight] of softmax(scores).entries()) {
        const other = s * frame + head * length;
        for (let i = 0; i < length; i += 1)
          out[own + i] = (out[own + i] ?? 0) + weight * (value.data[other + i] ?? 0);
      }
    }
  }
  return { ...query, data: out };
}

function softmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores);
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** torch's default for all three norms. */
const epsilon = 1e-5;

/** The norm before attention (`which` 1) or before the mixer (`which` 2) of one cell. */
function normalizeFrames(
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
