/** How long a tile may take before the network counts as stuck. Milliseconds, and factors of what was measured. */
export interface DeadlineLimits {
  /** The first run of a shape, and the loading of a model: a GPU searches its algorithms, or builds an engine. */
  readonly firstRunMs: number;
  /** No tile is given less. */
  readonly floorMs: number;
  /** So many times the slowest run per voxel so far: the microscope's own programs may take most of the machine. */
  readonly factor: number;
}

export const defaultDeadlineLimits: DeadlineLimits = { firstRunMs: 15 * 60_000, floorMs: 60_000, factor: 20 };

/** Learns from each tile that ended, the warm-up's first of all. Pure but for what it remembers. */
export function createTileDeadline({ firstRunMs, floorMs, factor }: DeadlineLimits) {
  const slowestOfShape = new Map<string, number>();
  let slowest = 0;
  return {
    /** Milliseconds that a tile of so many voxels may take; `shape` names model and shape. */
    limitMs(shape: string, voxels: number): number {
      const known = slowestOfShape.get(shape);
      const learnedMs = factor * voxels * (known ?? slowest);
      return Math.max(known === undefined ? firstRunMs : floorMs, learnedMs);
    },
    learn(shape: string, voxels: number, seconds: number): void {
      const msPerVoxel = (1000 * seconds) / voxels;
      // What the first run of a shape takes says little of the next ones; its end makes the shape a known one.
      slowestOfShape.set(shape, Math.max(slowestOfShape.get(shape) ?? 0, msPerVoxel));
      slowest = Math.max(slowest, msPerVoxel);
    },
  };
}
