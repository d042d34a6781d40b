import { createHash } from "node:crypto";
import { bytesOf, planeCount, sampleTypes } from "../../core/acquisition.ts";
import { swapUnlessNative } from "./contiguous-samples.ts";
import type { PlaneReader } from "./plane-source.ts";
import { planeAt } from "./stored-axes.ts";

/**
 * SHA-256, as hexadecimal digits, of all samples of an acquisition as little-endian bytes in C order, the planes in
 * the order in which they are stored (`axes`). One plane is held at a time.
 */
export async function sampleHash(source: PlaneReader, signal?: AbortSignal): Promise<string> {
  const { axes, shape, sizes, sampleType } = source.acquisition;
  const facts = sampleTypes[sampleType];
  const stored = { letters: axes.slice(0, -2), lengths: shape.slice(0, -2) };
  const into = facts.make(sizes.y * sizes.x);
  const hash = createHash("sha256");
  for (let place = 0; place < planeCount(sizes); place += 1) {
    await source.readPlane(planeAt(stored, place), { into, signal });
    const bytes = bytesOf(into);
    swapUnlessNative(bytes, facts.bytes, "little");
    hash.update(bytes);
  }
  return hash.digest("hex");
}
