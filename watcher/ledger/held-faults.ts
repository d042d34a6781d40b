import { type ErrorReport, hasCode } from "../../core/errors.ts";

/** Failures that are no job's fault: each job of the folder would meet them, so the folder waits and not its jobs end. */

type Fault = Pick<ErrorReport, "code">;

const outputFaults = [
  "write-denied",
  "read-only-disk",
  "write-failed",
  "output-folder-missing",
  "output-not-mounted",
] as const;

/** The folder or the disk of the results. Whether it is all of it, or one name there, only another look tells. */
export function isOutputFault(error: Fault): boolean {
  return hasCode(error, ...outputFaults);
}

const sourceFaults = ["file-missing", "file-open", "file-read", "source-changed"] as const;

/** The source, or the folder or the disk that it lies on. Which of them, only another look tells. */
export function isSourceFault(error: Pick<ErrorReport, "code" | "kind">): boolean {
  return error.kind === "format" || error.kind === "defect" || hasCode(error, ...sourceFaults);
}

/** The model package: missing, damaged, or not what its description says. */
export function isModelFault(error: Fault): boolean {
  return (
    hasCode(error, "network-model-refused", "network-names") ||
    /^(package|zoo|verify|tensorrt)-/.test(error.code)
  );
}

/** The engine was lost with the job, and nobody knows why. */
export const unexplainedLosses = ["engine-lost", "network-stuck", "network-lost"] as const;

/** Where memory ran out, each further attempt has smaller tiles: as often as anything of the machine's. */
export function isEngineLoss(error: Fault): boolean {
  return hasCode(error, "engine-memory", ...unexplainedLosses);
}
