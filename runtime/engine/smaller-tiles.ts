import { isEdgeError } from "../../core/errors.ts";

/** Tiles are halved each time: the fifth has a sixteenth of the first one's voxels. */
const mostAttempts = 5;

/**
 * Runs a job again whose engine died for lack of memory: the engine's host gives it smaller tiles at each further call.
 * `again` is told the error before each further attempt. Other errors, and the last one, go to the caller.
 */
export async function withSmallerTiles<T>(
  run: () => Promise<T>,
  again: (error: unknown) => Promise<void>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (!isEdgeError(error, "engine-memory") || attempt === mostAttempts) throw error;
      await again(error);
    }
  }
}

/** Half of what was too large; one voxel is the end of it. */
export function smallerVoxels(tooLarge: number): number {
  return Math.max(1, Math.floor(tooLarge / 2));
}
