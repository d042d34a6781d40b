import { present } from "../../core/record.ts";
import type { Progress, Stage } from "../job/denoise-job.ts";

const intervalMs = 250;

export type ProgressMeter = ReturnType<typeof createProgressMeter>;

/** Turns what was done into progress reports: at each new stage, and at most every `intervalMs` within one. */
export function createProgressMeter(options: {
  readonly totalVoxels: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  readonly report: (progress: Progress) => void;
}) {
  const { totalVoxels, now, report } = options;
  const begin = now();
  const estimate = createProgressEstimate();
  let stage: Stage = "opening";
  let done = 0;
  /** Time spent on what the rate is measured on: all but opening and statistics. */
  let workedMs = 0;
  let workingSince: number | undefined;
  let reported = Number.NEGATIVE_INFINITY;

  const tell = (): void => {
    const at = now();
    reported = at;
    const worked = workedMs + (workingSince === undefined ? 0 : at - workingSince);
    const doneVoxels = Math.min(Math.round(done), totalVoxels);
    const { share, etaS, basis } = estimate.at(done, totalVoxels, at);
    report({
      stage,
      doneVoxels,
      totalVoxels,
      estimatedShare: share,
      elapsedS: (at - begin) / 1000,
      ...(doneVoxels > 0 && worked > 0 ? { voxelsPerS: (1000 * doneVoxels) / worked } : {}),
      ...present({ etaS, etaBasis: basis }),
    });
  };

  const begins = (next: Stage): void => {
    if (workingSince !== undefined) workedMs += now() - workingSince;
    workingSince = next === "opening" || next === "statistics" ? undefined : now();
    stage = next;
    tell();
  };

  return {
    enter(next: Exclude<Stage, "denoising">): void {
      if (next === "writing") estimate.pause();
      begins(next);
    },
    /** Denoising begins, in tiles that deliver so many voxels each. */
    enterTiles(tileVoxels: number): void {
      estimate.start(tileVoxels, now());
      begins("denoising");
    },
    expect: estimate.expect,
    /** Voxels delivered since the last call. */
    advance(voxels: number): void {
      done += voxels;
      if (stage === "denoising") estimate.delivered(voxels, now());
      if (now() - reported >= intervalMs) tell();
    },
    /** Time has passed: a large tile takes minutes, and whoever waits wants to see that it goes on. */
    tick(): void {
      if (now() - reported >= intervalMs) tell();
    },
  };
}

export interface KnownSpeed {
  /** For a voxel that is delivered. */
  readonly msPerVoxel: number;
  /** What that rests on, in words. */
  readonly basis: string;
}

export interface Outlook {
  /** Below 1 until the job is done, and never less than what was told before. */
  readonly share: number;
  /** Absent where nothing is known of the network's speed. */
  readonly etaS?: number;
  readonly basis?: string;
}

/** Up to this share of its expected time a tile is told to go on evenly; from there on it nears its end ever slower. */
const knee = 0.85;
const mostShare = 0.99;
const ownTiles = "the tiles of this job";
/** A time left that turns out wrong is corrected within about so long: this, or this share of itself. */
const correction = { leastMs: 2000, share: 0.05 };

/**
 * The share of a tile that is done after `time` times what it was expected to take: `time` itself up to the knee, then
 * a hyperbola of the same slope whose limit is 1. A tile that takes twice as long stands at 0.98.
 */
export function tileShare(time: number): number {
  if (time <= knee) return Math.max(0, time);
  const rest = 1 - knee;
  return 1 - rest ** 2 / (rest + time - knee);
}

/**
 * How far a job is, and how long it will take, while its tiles are in the network. A stack may be one tile that
 * takes minutes, and of a tile nothing is known until it ends: what is told of it is an estimate. Pure: the time
 * comes in, in milliseconds of a clock that never goes back.
 */
export function createProgressEstimate() {
  let networkVoxels = 0;
  let prior: KnownSpeed | undefined;
  /** What the prior weighs against tiles that were measured: as much as one of them. */
  let priorVoxels = 0;
  let tileVoxels = 0;
  let measured = { ms: 0, voxels: 0 };
  /** When the last tile was delivered, or the first one given to the network. */
  let tileSinceMs: number | undefined;
  let toldShare = 0;
  let toldEta: { ms: number; atMs: number } | undefined;

  /** Expected milliseconds for a voxel; `running` is the time of a tile that has not ended. */
  function msPerVoxel(running = { ms: 0, voxels: 0 }): number | undefined {
    const voxels = priorVoxels + measured.voxels + running.voxels;
    const known = prior !== undefined || measured.voxels > 0;
    return known && voxels > 0
      ? ((prior?.msPerVoxel ?? 0) * priorVoxels + measured.ms + running.ms) / voxels
      : undefined;
  }

  function tileUnderWay(nowMs: number) {
    const left = Math.max(0, networkVoxels - measured.voxels);
    const voxels = Math.min(tileVoxels, left);
    const expectedMs = (msPerVoxel() ?? 0) * voxels;
    if (!(expectedMs > 0)) return { left, voxels: 0, share: 0, expectedMs: 0, elapsedMs: 0 };
    const elapsedMs = tileSinceMs === undefined ? 0 : nowMs - tileSinceMs;
    return { left, voxels, share: tileShare(elapsedMs / expectedMs), expectedMs, elapsedMs };
  }

  function etaMs(nowMs: number): number | undefined {
    const { left, voxels, share, expectedMs, elapsedMs } = tileUnderWay(nowMs);
    // The running tile counts as measured as soon as it takes longer than expected: its end is then no surprise.
    const rate = msPerVoxel({ ms: Math.max(elapsedMs, expectedMs), voxels });
    if (rate === undefined) return undefined;
    const ofTile = share > 0 ? (elapsedMs * (1 - share)) / share : expectedMs;
    return ofTile + (left - voxels) * rate;
  }

  /** Counts down by the clock and moves towards what is now known, without a jump. */
  function smoothed(rawMs: number, nowMs: number): number {
    if (toldEta === undefined) return rawMs;
    const passedMs = nowMs - toldEta.atMs;
    const counted = Math.max(0, toldEta.ms - passedMs);
    const withinMs = Math.max(correction.leastMs, correction.share * Math.max(rawMs, counted));
    return counted + (rawMs - counted) * (1 - Math.exp(-passedMs / withinMs));
  }

  return {
    /** So many voxels will be delivered by tiles, and what is known beforehand of how fast. */
    expect(voxels: number, known: KnownSpeed | undefined): void {
      networkVoxels = voxels;
      prior = known;
      priorVoxels = known === undefined ? 0 : voxels;
    },
    /** Tiles that deliver so many voxels each are given to the network from now on. */
    start(voxels: number, nowMs: number): void {
      tileVoxels = voxels;
      if (prior !== undefined && measured.voxels === 0) priorVoxels = voxels;
      tileSinceMs ??= nowMs;
    },
    /** Something else is done: what passes now is no tile's time. */
    pause(): void {
      tileSinceMs = undefined;
    },
    /** Tiles have delivered so many voxels more. */
    delivered(voxels: number, nowMs: number): void {
      measured = { ms: measured.ms + nowMs - (tileSinceMs ?? nowMs), voxels: measured.voxels + voxels };
      tileSinceMs = nowMs;
    },
    /** `doneVoxels` of `totalVoxels` are delivered, by tiles or otherwise. */
    at(doneVoxels: number, totalVoxels: number, nowMs: number): Outlook {
      const { voxels, share } = tileUnderWay(nowMs);
      const reached = (doneVoxels + voxels * share) / Math.max(1, totalVoxels);
      toldShare = Math.max(toldShare, Math.min(mostShare, reached));
      const rawMs = etaMs(nowMs);
      if (rawMs === undefined) return { share: toldShare };
      toldEta = { ms: smoothed(rawMs, nowMs), atMs: nowMs };
      const basis = measured.voxels > 0 ? ownTiles : prior?.basis;
      return { share: toldShare, etaS: toldEta.ms / 1000, ...present({ basis }) };
    },
  };
}
