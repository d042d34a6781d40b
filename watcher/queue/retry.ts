import { type BackoffRule, doubledMs } from "../../core/backoff.ts";
import { type ErrorReport, hasCode } from "../../core/errors.ts";
import { isModelFault } from "../ledger/held-faults.ts";

/** What becomes of a job that ended in an error. Pure. */
export type FailureVerdict =
  | { readonly kind: "failed" }
  | { readonly kind: "parked" }
  | { readonly kind: "skipped"; readonly reason: string }
  | { readonly kind: "again"; readonly delayMs: number }
  /** The disk of the result is full: the folder waits until there is room. */
  | { readonly kind: "full" }
  /** We ended it ourselves. */
  | { readonly kind: "interrupted" };

export const sourceRemoved = "the source was removed before it was processed";

const pauses: BackoffRule = { firstMs: 2_000, longestMs: 5 * 60_000 };

/** The engine was lost with the job: once more in a fresh process, and no more, whatever is configured. */
const unexplainedLosses = ["engine-lost", "network-stuck", "network-lost"] as const;
const attemptsWithLosses = 2;

/** Where memory ran out, each further attempt has smaller tiles: as often as anything of the machine's. */
export function isEngineLoss(error: ErrorReport): boolean {
  return hasCode(error, "engine-memory", ...unexplainedLosses);
}

/**
 * `attempt` is the one that just failed, from 1. The file's faults fail at once, the machine's are tried again.
 * `sourceGone`: a look showed that the watch folder is there and the source is not.
 */
export function judgeFailure(
  error: ErrorReport,
  attempt: number,
  mostAttempts: number,
  sourceGone: boolean,
): FailureVerdict {
  if (hasCode(error, "interrupted", "engine-stopped")) return { kind: "interrupted" };
  if (hasCode(error, "disk-full")) return { kind: "full" };
  if (hasCode(error, "output-exists")) {
    return { kind: "skipped", reason: "a result of that name exists already and is left alone" };
  }
  if (sourceGone) return { kind: "skipped", reason: sourceRemoved };
  // A model's fault is never the file's: where the model is in order again, another attempt shows it.
  if (error.kind !== "machine" && !error.retryable && !isModelFault(error)) return { kind: "failed" };
  const again = { kind: "again", delayMs: doubledMs(pauses, attempt - 1) } as const;
  // The memory will be free again, whatever takes it; smaller tiles would change the result.
  if (hasCode(error, "memory-short")) return again;
  const attempts = hasCode(error, ...unexplainedLosses)
    ? Math.min(attemptsWithLosses, mostAttempts)
    : mostAttempts;
  return attempt >= attempts ? { kind: "parked" } : again;
}
