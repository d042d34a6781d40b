import { freemem } from "node:os";
import type { Architecture } from "../core/package-settings.ts";

/**
 * Bytes that the CPU provider takes for each voxel of a tile, arena included: 4 · (185 + 16 · channels of the block
 * sets at full resolution). Fitted to the peaks of five exported models on one machine, of which it is at or above each
 * (blocks 16,16,32: 1760 measured, 1764 estimated; 8,8,16,16: 1170, 1252). For networks that we know nothing of: input
 * and output.
 */
export function networkBytesPerVoxel(architecture: Architecture | undefined): number {
  if (architecture === undefined) return 2 * Float32Array.BYTES_PER_ELEMENT;
  const [first = 0, second = 0] = architecture.blocks;
  return Float32Array.BYTES_PER_ELEMENT * (185 + 16 * Math.max(first, second));
}

/** Memory that may be taken without pushing others out, in bytes; a container's limit counts. */
export function availableBytes(): number {
  const constrained = process.constrainedMemory?.();
  const free = freemem();
  return constrained !== undefined && constrained > 0 ? Math.min(free, constrained) : free;
}
