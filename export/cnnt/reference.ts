import type { Tensor64 } from "../../core/tensor.ts";
import { type BlockSet, blockSets } from "./block-sets.ts";
import type { CnntNetwork } from "./network.ts";
import { attend } from "./reference-attention.ts";
import {
  add,
  concatenate,
  convolve,
  double,
  type Frames,
  gelu,
  halve,
  subtract,
} from "./reference-layers.ts";
import { normalizeFrames } from "./reference-norms.ts";

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
