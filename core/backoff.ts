/** Pauses between attempts at something that failed. Pure: the dice come in. */

export interface BackoffRule {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** The pause that doubled `times` times, from `firstMs` to `longestMs`. */
export function doubledMs({ firstMs, longestMs }: BackoffRule, times: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(times, 30));
}

/**
 * The pause before attempt `failures + 1` at what others may be trying too: between half and all of the doubled one by
 * `dice` (0 to 1), so that many clients do not come back together.
 */
export function backoffMs(rule: BackoffRule, failures: number, dice: number): number {
  return doubledMs(rule, failures) * (0.5 + dice / 2);
}
