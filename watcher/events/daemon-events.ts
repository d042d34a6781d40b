import type { ErrorReport } from "../../core/errors.ts";
import type { Progress } from "../../runtime/job/denoise-job.ts";
import type { Job } from "../ledger/job.ts";
import type { Model } from "../models/models.ts";

/** What the parts of the daemon tell each other. Who tells and who hears: docs/architecture.md, "The daemon's parts". */
export interface DaemonEvents {
  /** A job took a step of its life, which the ledger has written down; one that is done carries its outcome. */
  readonly jobChanged: Job;
  readonly jobProgressed: { readonly job: Job; readonly progress: Progress };
  /** An attempt of a job ended in an error. What becomes of the job is told by `jobChanged`. */
  readonly attemptFailed: { readonly job: Job; readonly error: ErrorReport };
  /** What is known of a watch folder is other than before. */
  readonly folderChanged: { readonly folder: string };
  /** Why sources of done jobs stay in a watch folder is other than before. */
  readonly keptChanged: { readonly folder: string };
  /** The models were checked, and something was found that is other than before. */
  readonly modelsChecked: readonly Model[];
  /** The engine is ready, warms up, or was lost. */
  readonly engineChanged: { readonly condition: EngineCondition; readonly reason: string | undefined };
  /** The ledger cannot be written, for this reason; undefined: it can be again. */
  readonly ledgerChanged: ErrorReport | undefined;
  /** The daemon cannot go on. */
  readonly failed: unknown;
}

export type EngineCondition = "warming" | "ready" | "lost";
