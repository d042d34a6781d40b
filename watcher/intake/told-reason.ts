import { type BackoffRule, doubledMs } from "../../core/backoff.ts";
import type { ErrorReport } from "../../core/errors.ts";

/** The reason for which a file waits, as it was told last. Pure. */
export interface ToldReason {
  readonly code: string;
  readonly message: string;
  /** How often a reason of this kind was told. */
  readonly times: number;
  /** Milliseconds of the scan's clock. */
  readonly atMs: number;
}

/**
 * What is told now; undefined where nothing is. The files of a set that comes for hours wait for another one of them each time:
 * reasons of one kind are told after pauses that double.
 */
export function toldNow(
  before: ToldReason | undefined,
  { code, message }: ErrorReport,
  atMs: number,
  pauses: BackoffRule,
): ToldReason | undefined {
  if (before?.code !== code) return { code, message, times: 1, atMs };
  if (before.message === message || atMs - before.atMs < doubledMs(pauses, before.times - 1))
    return undefined;
  return { code, message, times: before.times + 1, atMs };
}
