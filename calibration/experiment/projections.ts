import { addTo } from "../metrics/noisy-references.ts";
import type { Repeats } from "./repeats.ts";

/** Mean over all planes of each image, `[Y, X]`. Holds one plane per image. */
export async function projectionsOf(
  repeats: Repeats,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<readonly Float32Array[]> {
  const projections: Float32Array[] = [];
  for (let index = 0; index < repeats.averages.length; index += 1) {
    const sum = new Float64Array(repeats.height * repeats.width);
    for (let z = 0; z < repeats.depth; z += 1) {
      signal?.throwIfAborted();
      addTo(sum, await repeats.readPlane(index, z, signal));
    }
    projections.push(Float32Array.from(sum, (value) => value / repeats.depth));
    onProgress?.(index + 1, repeats.averages.length);
  }
  return projections;
}
