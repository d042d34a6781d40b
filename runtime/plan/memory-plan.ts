import { freemem } from "node:os";
import type { Architecture } from "../../core/package-settings.ts";

/**
 * Bytes that the CPU provider takes for each voxel of a tile, arena included, however often it runs: 4 · 14 · channels
 * of the widest block set at full resolution (its mixer keeps some fourteen maps of that many channels at once), and at
 * least 4 · 160 for the stem. Fitted to peaks measured on one machine, of which it is at or above each: widest 8
 * channels: 611 bytes measured, 640 estimated; 16 (the shipped model and three others): 818 to 884, 896; 64: 3447, 3584.
 * For networks that we know nothing of: input and output.
 */
export function networkBytesPerVoxel(architecture: Architecture | undefined): number {
  if (architecture === undefined) return 2 * Float32Array.BYTES_PER_ELEMENT;
  const [first = 0, second = 0] = architecture.blocks;
  return Float32Array.BYTES_PER_ELEMENT * Math.max(160, 14 * Math.max(first, second));
}

/**
 * Bytes of the scores of every plane of a tile for every other, for each head: before and after the softmax, and once more
 * for what is in work. It counts where planes are small and there are thousands of them.
 */
export function attentionBytes(depth: number, architecture: Architecture | undefined): number {
  if (architecture === undefined) return 0;
  return 3 * Float32Array.BYTES_PER_ELEMENT * architecture.n_head * depth ** 2;
}

/**
 * Memory that may be taken without pushing others out, in bytes; a container's limit counts. `heldBytes`: what this
 * process holds already and will use for it.
 */
export function availableBytes(heldBytes = 0): number {
  const constrained = process.constrainedMemory?.();
  const free = freemem() + heldBytes;
  return constrained !== undefined && constrained > 0 ? Math.min(free, constrained) : free;
}
