import { type ErrorReport, hasCode } from "../../core/errors.ts";
import { withoutOwnName } from "../../core/own-name.ts";
import type { SettleConfig } from "../config/schema.ts";

/** What a person is told when a file at rest begins to wait because it cannot be read whole: why, and until when. Pure. */
export function waitingWords(source: string, error: ErrorReport, settle: SettleConfig): string {
  const isTaken = hasCode(error, "file-zero-tail") && settle.zero_tail_s < settle.broken_s;
  const end = isTaken
    ? `it is taken after ${spoken(settle.zero_tail_s)}`
    : `it fails after ${spoken(settle.broken_s)}`;
  return `${source} waits: ${withoutOwnName(error.message, source)}; ${end} without a change`;
}

/** "90 s", "5 min": as it is configured, in whole minutes where that says the same. */
function spoken(seconds: number): string {
  return seconds > 0 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
