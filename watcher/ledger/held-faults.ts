import type { ErrorReport } from "../../core/errors.ts";

/** Failures that are no job's fault: each job of the folder would meet them, so the folder waits and not its jobs end. */

type Fault = Pick<ErrorReport, "code">;

const outputFaults: ReadonlySet<string> = new Set([
  "write-denied",
  "read-only-disk",
  "write-failed",
  "output-folder-missing",
  "output-not-mounted",
]);

/** The folder or the disk of the results. Whether it is all of it, or one name there, only another look tells. */
export function isOutputFault({ code }: Fault): boolean {
  return outputFaults.has(code);
}

const sourceFaults: ReadonlySet<string> = new Set([
  "file-missing",
  "file-open",
  "file-read",
  "source-changed",
]);

/** The source, or the folder or the disk that it lies on. Which of them, only another look tells. */
export function isSourceFault({ code, kind }: Pick<ErrorReport, "code" | "kind">): boolean {
  return kind === "format" || kind === "defect" || sourceFaults.has(code);
}

const modelFaults: ReadonlySet<string> = new Set(["network-model-refused", "network-names"]);

/** The model package: missing, damaged, or not what its description says. */
export function isModelFault({ code }: Fault): boolean {
  return modelFaults.has(code) || /^(package|zoo|verify|tensorrt)-/.test(code);
}
