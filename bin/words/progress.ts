import { visible } from "../../core/errors.ts";
import type { Progress } from "../../runtime/job/denoise-job.ts";
import type { CommandIo } from "../command/command.ts";

/** Shows how far a job is: a bar that is redrawn on a terminal, a plain line now and then elsewhere. */
export interface ProgressLine {
  readonly show: (progress: Progress) => void;
  /** Takes the bar away, so that the next line stands alone; the next `show` draws it again. */
  readonly end: () => void;
}

const plainEveryMs = 5000;
const redrawEveryMs = 250;
const usualColumns = 80;
const barCharacters = 20;
const shortBarCharacters = 8;
/** A shorter name says nothing. */
const leastName = 8;

export function createProgressLine(
  label: string,
  stderr: CommandIo["stderr"],
  now: () => number = () => performance.now(),
): ProgressLine {
  const name = visible(label);
  // A terminal that cannot go back to the start of a line says so by this name.
  if (stderr.isTTY !== true || process.env["TERM"] === "dumb") return plainLines(name, stderr, now);
  let drawn = false;
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    show(progress) {
      if (drawn && now() - drawnMs < redrawEveryMs) return;
      drawnMs = now();
      // One less: a full line would wrap, and a line that wraps cannot be redrawn.
      stderr.write(`\r\u001b[K${drawProgress(name, progress, (stderr.columns ?? usualColumns) - 1)}`);
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

/** Name, bar, percent and time left in at most `columns` characters; what matters least goes first. */
function drawProgress(label: string, progress: Progress, columns: number): string {
  const all = describeProgress(progress);
  const { voxelsPerS: _rate, ...withoutRate } = progress;
  const short = describeProgress(withoutRate);
  const name = [...label];
  for (const [characters, text] of [
    [barCharacters, all],
    [barCharacters, short],
    [shortBarCharacters, short],
  ] as const) {
    const room = columns - (characters + 2) - text.length - 2;
    if (room < Math.min(leastName, name.length)) continue;
    const shown = name.length <= room ? label : `${name.slice(0, room - 1).join("")}…`;
    return `${shown} ${meter(progress, characters)} ${text}`;
  }
  return [...short].slice(0, Math.max(0, columns)).join("");
}

function meter(progress: Progress, characters: number): string {
  const filled = Math.floor(characters * shareOf(progress));
  return `[${"#".repeat(filled)}${"-".repeat(characters - filled)}]`;
}

function shareOf({ doneVoxels, totalVoxels, estimatedShare }: Progress): number {
  return estimatedShare ?? Math.min(1, doneVoxels / Math.max(1, totalVoxels));
}

/** "denoising, about 45 % done, 1 min 10 s left, 0.26 Mvoxel/s" */
export function describeProgress(progress: Progress): string {
  const { stage, voxelsPerS, etaS } = progress;
  const parts = [stage, `about ${Math.floor(100 * shareOf(progress))} % done`];
  if (etaS !== undefined && stage !== "verifying") parts.push(`${describeTimeLeft(etaS)} left`);
  if (voxelsPerS !== undefined) parts.push(describeRate(voxelsPerS));
  return parts.join(", ");
}

/** An estimate, no finer than it can be meant: to 1 s below 10 s, to 5 s below a minute, to 10 s below ten minutes. */
function describeTimeLeft(seconds: number): string {
  const step = seconds < 10 ? 1 : seconds < 60 ? 5 : seconds < 600 ? 10 : 60;
  const coarse = Math.max(1, Math.ceil(seconds / step)) * step;
  return coarse % 60 === 0 && coarse < 3600 ? `${coarse / 60} min` : describeDuration(coarse);
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
