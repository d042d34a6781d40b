import { visible } from "../../core/errors.ts";
import type { Progress } from "../../runtime/job/denoise-job.ts";
import type { CommandIo } from "../command/command.ts";
import { createStatusLine, type StatusLine } from "./status-line.ts";

export interface ProgressLine extends Pick<StatusLine, "end"> {
  readonly show: (progress: Progress) => void;
}

const barCharacters = 20;
const shortBarCharacters = 8;
/** A shorter name says nothing. */
const leastName = 8;

/** Shows how far a job is, with a bar on a terminal. */
export function createProgressLine(
  label: string,
  stderr: CommandIo["stderr"],
  now: () => number = () => performance.now(),
): ProgressLine {
  const line = createStatusLine(stderr, now);
  const name = visible(label);
  return {
    show: (progress) =>
      line.show(`${name}: ${describeProgress(progress)}`, (columns) => drawProgress(name, progress, columns)),
    end: line.end,
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
