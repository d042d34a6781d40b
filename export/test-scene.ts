import type { Normalization } from "../core/package-settings.ts";
import { elementCount, type Tensor } from "../core/tensor.ts";

/**
 * A small noisy scene for a package's test tensor: blobs that move from frame to frame on a sloping background, so
 * that every weight, every head and the order of frames matter to the result. The same every time.
 */

/**
 * `[1, T, 1, H, W]`, whole numbers where the normalization's range is one of counts. The scene leaves that range on both
 * sides, so that it matters to the result whether a package clips.
 */
export function testScene(shape: readonly [number, number, number], normalization: Normalization): Tensor {
  const [depth, height, width] = shape;
  const [low, high] = sampleRange(normalization);
  const widened = normalization.kind === "fixed" ? 1.4 : 1;
  const random = uniformSequence(20_240_404);
  const data = new Float32Array(elementCount(shape));
  let at = 0;
  for (let t = 0; t < depth; t += 1) {
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const blob = (cy: number, cx: number, r: number): number =>
          Math.exp(-((y - cy * height - t) ** 2 + (x - cx * width + 0.7 * t) ** 2) / (2 * r * r));
        const scene = 0.08 + 0.1 * (x / width) + 0.7 * blob(0.3, 0.6, 2.5) + 0.5 * blob(0.7, 0.25, 1.6);
        const noisy = scene + 0.12 * Math.sqrt(scene) * (random() + random() + random() - 1.5);
        const sample = low + (high - low) * (noisy * widened + (1 - widened) / 2);
        data[at] = high - low > 1 ? Math.round(sample) : sample;
        at += 1;
      }
    }
  }
  return { shape: [1, depth, 1, height, width], data };
}

function sampleRange(normalization: Normalization): readonly [number, number] {
  if (normalization.kind === "fixed") return [normalization.low, normalization.high];
  return normalization.kind === "percentile" ? [100, 3000] : [0, 1];
}

/** mulberry32: uniform in [0, 1), a fixed sequence for a seed. */
export function uniformSequence(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
