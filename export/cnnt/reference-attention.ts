import type { Frames } from "./reference-layers.ts";

/**
 * Attention between frames. Each head takes its share of the channels; a frame's whole image of those channels is one
 * long vector, so that the scores are a T x T matrix: which planes (or time points) should be mixed into which.
 * `softmax(q kᵀ / sqrt(vector length)) v`, not causal. All arguments and the result have one shape.
 * Source: AzR919/CNNT_Microscopy, `models/model.py`, class CnnSelfAttention.
 */
export function attend(query: Frames, key: Frames, value: Frames, heads: number): Frames {
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
