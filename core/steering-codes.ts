/**
 * The codes of errors by which the product decides what to do; all others are only told. Whoever compares a code takes
 * it from here, so that a code that is renamed where it is given is no longer silently unknown where it counts
 * (`test/core/steering-codes.test.ts`).
 */
export const steeringCodes = [
  "channel-unknown",
  "disk-full",
  "engine-lost",
  "engine-memory",
  "engine-stopped",
  "file-is-folder",
  "file-missing",
  "file-open",
  "file-read",
  "file-zero-tail",
  "folder-unreachable",
  "gpu-download-cut",
  "interrupted",
  "ledger-unusable",
  "memory-short",
  "move-differs",
  "move-not-quiet",
  "network-lost",
  "network-memory",
  "network-model-refused",
  "network-names",
  "network-stuck",
  "ome-set-incomplete",
  "output-exists",
  "output-folder-missing",
  "output-is-folder",
  "output-not-mounted",
  "overlap-too-wide",
  "pickle-cut",
  "read-only-disk",
  "source-changed",
  "tensor-process-lost",
  "tensor-run-failed",
  "tensorrt-engine-differs",
  "tensorrt-not-prepared",
  "tile-size",
  "write-denied",
  "write-failed",
] as const;

export type SteeringCode = (typeof steeringCodes)[number];

/** Whether an error, or its report, has one of these codes. */
export function hasCode({ code }: { readonly code: string }, ...wanted: readonly SteeringCode[]): boolean {
  return wanted.some((one) => one === code);
}
