/**
 * When a file may be believed to be at rest. One rule for files found at start, by an event, or by a sweep:
 * size and time of change stayed the same over several looks and a stated time. Rest is necessary, not
 * sufficient: space may be reserved first and filled later, so `structural-check.ts` follows. Pure.
 */

/** What one look at a file showed. `atMs` is when we looked, by a clock that never goes back. */
export interface Look {
  readonly atMs: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

export interface QuietRule {
  readonly quietMs: number;
  readonly looks: number;
}

/** All that has to be remembered of earlier looks: since when, and how often, it has looked as it does. */
export interface Watched {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly looks: number;
}

/** Adds a look. The same size and time of change counts on; anything else starts anew. */
export function observe(before: Watched | undefined, look: Look): Watched {
  const { atMs, sizeBytes, mtimeMs } = look;
  if (before === undefined || before.sizeBytes !== sizeBytes || before.mtimeMs !== mtimeMs) {
    return { sizeBytes, mtimeMs, sinceMs: atMs, lastMs: atMs, looks: 1 };
  }
  return { ...before, lastMs: atMs, looks: before.looks + 1 };
}

export function quietForMs(watched: Watched): number {
  return watched.lastMs - watched.sinceMs;
}

/** Why the file is not yet at rest, or undefined when it is. */
export function unrest(watched: Watched, rule: QuietRule): string | undefined {
  if (watched.looks === 1) return "it appeared or changed a moment ago";
  const quietMs = quietForMs(watched);
  if (quietMs < rule.quietMs || watched.looks < rule.looks) {
    return `unchanged for ${(quietMs / 1000).toFixed(1)} s of ${(rule.quietMs / 1000).toFixed(1)} s, ${watched.looks} looks of ${rule.looks}`;
  }
  return undefined;
}

/** In how many milliseconds to look again, for the file to be at rest as soon as it may; undefined where it is. */
export function nextLookMs(watched: Watched, rule: QuietRule): number | undefined {
  if (unrest(watched, rule) === undefined) return undefined;
  const looksLeft = Math.max(1, rule.looks - watched.looks);
  return Math.max(0, rule.quietMs - quietForMs(watched)) / looksLeft;
}
