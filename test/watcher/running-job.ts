import type { Job } from "../../watcher/ledger/job.ts";

/** A job of one image at its first attempt. */
export function runningJob(source: string, voxels: number): Job {
  return {
    id: "0123456789abcdef",
    folder: "f",
    source,
    members: [source],
    series: 0,
    seriesCount: 1,
    revision: 1,
    sizeBytes: 1,
    mtimeMs: 1,
    status: "running",
    attempt: 1,
    voxels,
    sampleBytes: 1,
  };
}
