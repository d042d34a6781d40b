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

/** Height and width at most: larger ones come no nearer to the truth, smaller ones flatten wide structures (bench/RESULTS.md). */
const longestSide = 176;

const deepest = 16;
const shallowest = 8;

/** What a tile may take, so that an engine with weights and slabs stays below 1 GB. */
const tileBytes = 550e6;

/** What neighbours share: less shows at borders, more comes no nearer to the truth (bench/RESULTS.md). */
export const recommendedOverlap = [2, 8, 8] as const;

/**
 * The tile, depth, height and width, that a package of such a network states unless another is asked for; height and width
 * are multiples of `multiple`. Pure.
 */
export function recommendedTile(
  architecture: Architecture,
  multiple: number,
): readonly [depth: number, height: number, width: number] {
  const voxels = tileBytes / networkBytesPerVoxel(architecture);
  const depth = Math.max(shallowest, Math.min(deepest, Math.floor(voxels / longestSide ** 2)));
  const side = Math.min(longestSide, Math.sqrt(voxels / depth));
  const fitted = Math.max(multiple, Math.floor(side / multiple) * multiple);
  return [depth, fitted, fitted];
}
