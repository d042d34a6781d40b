import { visible } from "../../core/errors.ts";
import type { Progress } from "../../runtime/job/denoise-job.ts";
import type { CommandIo } from "../command/command.ts";

export type ProgressLine = ReturnType<typeof createProgressLine>;

const barCharacters = 20;
const shortBarCharacters = 8;
/** A shorter name says nothing. */
const leastName = 8;

/** Shows how far a job is, with a bar on a terminal. */
export function createProgressLine(
  label: string,
  stderr: CommandIo["stderr"],
  now: () => number = () => performance.now(),
) {
  const line = createStatusLine(stderr, now);
  const name = visible(label);
  return {
    show: (progress: Progress): void =>
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

const plainEveryMs = 5000;
const redrawEveryMs = 250;
const usualColumns = 80;

/** Shows what is going on: one line that is redrawn on a terminal, a plain line now and then elsewhere. */
function createStatusLine(stderr: CommandIo["stderr"], now: () => number) {
  // A terminal that cannot go back to the start of a line says so by this name.
  const redraws = stderr.isTTY === true && process.env["TERM"] !== "dumb";
  let drawn = false;
  // Short work says nothing on its way, but on a terminal.
  let toldMs = redraws ? Number.NEGATIVE_INFINITY : now();
  return {
    /** `drawIn`: what a terminal gets in place of the text, in so many characters at most; it holds no control characters. */
    show(text: string, drawIn?: (columns: number) => string): void {
      const everyMs = redraws ? (drawn ? redrawEveryMs : 0) : plainEveryMs;
      if (now() - toldMs < everyMs) return;
      toldMs = now();
      const shown = visible(text);
      // One less: a full line would wrap, and a line that wraps cannot be redrawn.
      const columns = (stderr.columns ?? usualColumns) - 1;
      const inOneLine = (): string => drawIn?.(columns) ?? [...shown].slice(0, columns).join("");
      stderr.write(redraws ? `\r\u001b[K${inOneLine()}` : `${shown}\n`);
      drawn = redraws;
    },
    /** Takes the line away, so that the next one stands alone; the next `show` draws it again. */
    end(): void {
      if (drawn) stderr.write("\r\u001b[K");
      drawn = false;
    },
  };
}

/** Work of several kinds, counted in one unit. */
interface Work {
  readonly doing: string;
  readonly done: number;
  readonly total: number;
}

/** Before this share is done a time left would be a guess. */
const enoughToTell = 0.02;

/** Tells how far a long work is and how long it will take, at its own pace so far. */
export function createWorkLine(
  label: string,
  stderr: CommandIo["stderr"],
  now: () => number = () => performance.now(),
) {
  const line = createStatusLine(stderr, now);
  let started: number | undefined;
  let total = 0;
  return {
    show(work: Work): void {
      if (started === undefined || work.total !== total) [started, total] = [now(), work.total];
      const share = work.total > 0 ? work.done / work.total : 0;
      const left = timeLeftS((now() - started) / 1000, share);
      const time = left === undefined ? "" : `, about ${describeDuration(left)} left`;
      line.show(`${label}: ${Math.floor(100 * share)} %, ${work.doing}${time}`);
    },
    end: line.end,
  };
}

/** At the pace so far; undefined before enough is done. */
export function timeLeftS(elapsedS: number, share: number): number | undefined {
  return share < enoughToTell ? undefined : (elapsedS * (1 - share)) / share;
}
