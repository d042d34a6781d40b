import { type Acquisition, sampleTypes } from "../../core/acquisition.ts";
import { machineError } from "../../core/errors.ts";
import { gigabytes, memoryNeed } from "./memory-need.ts";
import type { JobPlan } from "./plan-job.ts";

/** The channel that needs most: one is in work at a time. */
export function jobMemoryNeed({ channels }: JobPlan, { sampleType }: Acquisition): number {
  const { bytes: bytesPerSample } = sampleTypes[sampleType];
  const needs = channels.map((channel) =>
    channel.kind === "pass" ? 0 : memoryNeed(channel.tiles, { ...channel.model, bytesPerSample }),
  );
  return Math.max(0, ...needs);
}

/**
 * Throws `EdgeError` (`machine`, retryable) where less is free than a job needs: its tiles are not made smaller for that,
 * because the same source gives the same result on another day.
 */
export function refuseTooLittleFree(plan: JobPlan, acquisition: Acquisition, freeBytes: number): void {
  const need = jobMemoryNeed(plan, acquisition);
  if (need <= freeBytes) return;
  throw machineError("too little memory is free for this job", {
    code: "memory-short",
    file: acquisition.file,
    found: `${gigabytes(freeBytes)} free`,
    allowed: `about ${gigabytes(need)}`,
    remedy:
      "Close other programs, or set a memory limit (engine.memory_limit, --memory-limit): tiles are made smaller to fit it",
    retryable: true,
  });
}
