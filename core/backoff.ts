/** Pauses between attempts at something that others may be trying too. Pure: the dice come in. */

export interface BackoffRule {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * The pause before attempt `failures + 1`: doubling from `firstMs` to `longestMs`, then between half and all of
 * it by `dice` (0 to 1), so that many clients do not come back together.
 */
export function backoffMs(rule: BackoffRule, failures: number, dice: number): number {
  const whole = Math.min(rule.longestMs, rule.firstMs * 2 ** Math.min(failures, 30));
  return whole * (0.5 + dice / 2);
}
