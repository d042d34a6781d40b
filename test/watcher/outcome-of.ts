import type { DenoiseOutcome } from "../../runtime/job/denoise-job.ts";

/** What an engine says of a job of one small plane that is done. */
export function outcomeOf(output: string, change: Partial<DenoiseOutcome> = {}): DenoiseOutcome {
  return {
    output,
    outputBytes: 1,
    sourceSha256: "s",
    provider: "cpu",
    tile: [1, 8, 8],
    overlap: [0, 0, 0],
    voxels: 64,
    elapsedS: 1,
    networkS: 1,
    clippedShare: 0,
    notes: [],
    ...change,
  };
}
