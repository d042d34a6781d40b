import { counted } from "../../core/counted.ts";
import { listed } from "../../formats/files-of.ts";
import type { PreparedRepeats } from "../experiment/prepare-repeats.ts";

/** Why images are not used; undefined where all are. */
export function leftOutReason({ leftOut, drift }: PreparedRepeats): string | undefined {
  if (leftOut.length === 0) return undefined;
  return (
    `drift: after whole pixels were undone ${leftOut.length === 1 ? "it was" : "they were"} still off by more than ` +
    `${drift.allowed.toFixed(2)} pixels, and moving ${leftOut.length === 1 ? "it" : "them"} by fractions of a pixel would smooth the reference`
  );
}

/** "2 of 6 repeats are left out (scan-001, scan-003) for drift: …"; undefined where all are used. */
export function leftOutSentence(prepared: PreparedRepeats): string | undefined {
  const reason = leftOutReason(prepared);
  if (reason === undefined) return undefined;
  const { leftOut, drift, repeats } = prepared;
  const what = repeats.averages.some((averages) => averages > 1) ? "image" : "repeat";
  const are = leftOut.length === 1 ? "is" : "are";
  return `${leftOut.length} of ${counted(drift.measured.length, what)} ${are} left out (${listed(leftOut)}) for ${reason}.`;
}
