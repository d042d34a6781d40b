import { readFileSync, writeFileSync } from "node:fs";
import { loadNetwork } from "../../export/cnnt/network.ts";
import { openCheckpoint } from "../../export/torch/checkpoint.ts";

/** What reading one checkpoint took. */
export interface Reading {
  /** Undefined where it was read. */
  readonly error: unknown;
  readonly ms: number;
  /** Largest resident memory of the process while it was read, MB. */
  readonly peakMb: number;
}

/** Reads all weights, as export does. */
export async function readNetwork(file: string): Promise<Reading> {
  forgetPeak();
  const started = performance.now();
  let error: unknown;
  try {
    const checkpoint = await openCheckpoint(file);
    try {
      await loadNetwork(checkpoint, { n_head: 2, no_residual: false });
    } finally {
      await checkpoint.close();
    }
  } catch (cause) {
    error = cause;
  }
  return { error, ms: performance.now() - started, peakMb: peakMb() };
}

/** Linux counts the peak anew from here; elsewhere it is that of the whole process. */
function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // No such file, or not allowed.
  }
}

function peakMb(): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    if (kilobytes !== undefined) return Number(kilobytes) / 1024;
  } catch {
    // No such file.
  }
  return process.resourceUsage().maxRSS / 1024;
}
