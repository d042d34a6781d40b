import { freemem } from "node:os";
import type { Architecture } from "../../core/package-settings.ts";

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
