import { type BackoffRule, doubledMs } from "../../core/backoff.ts";

/** Losses that may be bad luck and are answered quickly; more are answered ever more slowly. */
const quickRestarts = 5;
const quick: BackoffRule = { firstMs: 500, longestMs: 4_000 };
const slow: BackoffRule = { firstMs: 5_000, longestMs: 300_000 };

/**
 * How long to wait before another engine process is started, after this many were lost in a row without a job done
 * between them: at once, then 0.5, 1, 2, 4 s, then doubling from 5 s to 5 minutes.
 */
export function restartDelayMs(lossesInARow: number): number {
  if (lossesInARow <= 1) return 0;
  if (lossesInARow <= quickRestarts) return doubledMs(quick, lossesInARow - 2);
  return doubledMs(slow, lossesInARow - quickRestarts - 1);
}
