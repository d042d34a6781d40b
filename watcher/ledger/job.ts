import type { ErrorReport } from "../../core/errors.ts";
import type { JobStatus } from "../../core/job-status.ts";
import type { DenoiseOutcome } from "../../runtime/job/denoise-job.ts";
import type { StandingOutcome } from "../../runtime/result/standing-result.ts";

/** As the engine told it; or as the result says of itself, which is less (`knownFromResult`). */
export type JobOutcome = Omit<DenoiseOutcome, "networkS"> &
  Partial<Pick<DenoiseOutcome, "networkS"> & Pick<StandingOutcome, "knownFromResult">>;

/** One series of one content of a file, as the ledger holds it. */
export interface Job {
  readonly id: string;
  readonly folder: string;
  /** Below the watch folder, with `/`. */
  readonly source: string;
  /** All files of the set, as `source`; one for most. */
  readonly members: readonly string[];
  readonly series: number;
  /** How many series its file has. */
  readonly seriesCount: number;
  readonly revision: number;
  /** An earlier revision of its source may have left a result. */
  readonly hasEarlierResult?: true;
  /** Of all members together. */
  readonly sizeBytes: number;
  /** The newest member's. */
  readonly mtimeMs: number;
  readonly status: JobStatus;
  readonly reason?: string;
  /** What a waiting job waits for: its file to become whole, or a time to try again. */
  readonly waitsFor?: "file" | "time";
  /** How often it was started. */
  readonly attempt: number;
  readonly voxels: number;
  /** Of its uncompressed samples. */
  readonly sampleBytes: number;
  /** Final name of the result, absolute; reserved for this job since its first start. */
  readonly output?: string;
  readonly outcome?: JobOutcome;
  readonly error?: ErrorReport;
  readonly endedMs?: number;
  /** Of a job that failed or is parked: the source whose newer content its file belongs to, all of which is done. */
  readonly newerDone?: string;
  /** Results of older content of its source that its own supersedes, or would. */
  readonly supersedes?: readonly SupersededResult[];
  /** The result of newer content that supersedes its own. */
  readonly supersededBy?: Omit<SupersededResult, "sourceSha256">;
  /** What became of its own then. */
  readonly superseded?: "asked" | SupersededEnd;
  /** What became of its result when its time was over; `kept`: somebody had changed it. */
  readonly expired?: "removed" | "gone" | "kept";
}

/** A result of older content. */
export interface SupersededResult {
  readonly job: string;
  /** Absolute. */
  readonly output: string;
  readonly sourceSha256: string;
}

/** `marked`: a file beside it says so. `gone`: nothing lay there any more. */
export type SupersededEnd = "marked" | "removed" | "gone";

/** What the ledger made of a file that came to rest. */
export type Admission =
  /** Seen before; nothing to do. */
  | { readonly kind: "unchanged" }
  /** The same content as far as is seen, another time of change: hash all bytes of these files, then ask again. */
  | { readonly kind: "touched"; readonly sources: readonly string[] }
  | { readonly kind: "changed"; readonly jobs: readonly Job[] };

export interface Counts {
  readonly byStatus: Readonly<Record<JobStatus, number>>;
  readonly byFolder: Readonly<Record<string, { queued: number; waiting: number; oldestReason?: string }>>;
  /** Of all jobs that are queued, waiting for a time, or running. */
  readonly pendingBytes: number;
  readonly pendingVoxels: number;
}
