import type { Progress } from "../runtime/denoise-job.ts";
import type { CommandIo } from "./command.ts";

/** Shows how far a job is: a bar that is redrawn on a terminal, a plain line now and then elsewhere. */
export interface ProgressLine {
  readonly show: (progress: Progress) => void;
  /** Clears the bar, so that the next line stands alone. */
  readonly end: () => void;
}

const plainEveryMs = 5000;
const barCharacters = 24;

export function createProgressLine(
  label: string,
  stderr: CommandIo["stderr"],
  now: () => number = () => performance.now(),
): ProgressLine {
  if (stderr.isTTY !== true) return plainLines(label, stderr, now);
  let drawn = false;
  return {
    show(progress) {
      const bar = `${meter(progress)} ${describeProgress(progress)} ${label}`;
      // Cut to the terminal's width: a line that wraps cannot be redrawn.
      stderr.write(`\r\u001b[K${[...bar].slice(0, (stderr.columns ?? 80) - 1).join("")}`);
      drawn = true;
    },
    end() {
      if (drawn) stderr.write("\r\u001b[K");
      drawn = false;
    },
  };
}

function plainLines(label: string, stderr: CommandIo["stderr"], now: () => number): ProgressLine {
  // Short jobs say nothing on their way.
  let told = now();
  return {
    show(progress) {
      if (now() - told < plainEveryMs) return;
      told = now();
      stderr.write(`${label}: ${describeProgress(progress)}\n`);
    },
    end: () => undefined,
  };
}

function meter({ doneVoxels, totalVoxels }: Progress): string {
  const filled = Math.round((barCharacters * doneVoxels) / Math.max(1, totalVoxels));
  return `[${"#".repeat(filled)}${"-".repeat(barCharacters - filled)}]`;
}

/** "denoising 45 %, 0.26 Mvoxel/s, 1 min 10 s left" */
export function describeProgress({ stage, doneVoxels, totalVoxels, voxelsPerS, etaS }: Progress): string {
  const percent = Math.floor((100 * doneVoxels) / Math.max(1, totalVoxels));
  const parts = [`${stage} ${percent} %`];
  if (voxelsPerS !== undefined) parts.push(describeRate(voxelsPerS));
  if (etaS !== undefined && stage !== "verifying") parts.push(`${describeDuration(etaS)} left`);
  return parts.join(", ");
}

export function describeRate(voxelsPerS: number): string {
  return `${(voxelsPerS / 1e6).toPrecision(3)} Mvoxel/s`;
}

/** "8 s", "1 min 10 s", "2 h 5 min" */
export function describeDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
