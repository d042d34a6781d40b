import type { CalibrationLevel } from "../result/result.ts";
import { heightOf, smallestWeight } from "./verdicts.ts";

/**
 * The headline names detail of which less than this comes through: at 1/√2 of its height a structure has lost half of
 * its power, which is where filters are said to begin to cut. A smaller loss is still told in a sentence.
 */
const headlineGain = Math.SQRT1_2;

/** Periods up to here are fine detail; pixels. */
const finePeriod = 10;

/** "fine detail (periods of 3.3 to 5.0 px) comes through at 53 %"; undefined where no detail is lost that far. */
export function lostDetail({ denoised }: CalibrationLevel): string | undefined {
  const { detail, intensity_slope: slope } = denoised;
  const scale = heightOf(slope);
  const lost = detail.flatMap(({ from_cycles_per_px: from, to_cycles_per_px: to, gain, share_of_detail }) =>
    gain !== undefined && share_of_detail >= smallestWeight && gain.value / scale < headlineGain
      ? [{ from, to, share: gain.value / scale }]
      : [],
  );
  const [first] = lost.sort((a, b) => a.share - b.share);
  if (first === undefined) return undefined;
  const [shortest, longest] = [1 / first.to, 1 / first.from];
  const detailOf = shortest < finePeriod ? "fine detail" : "detail";
  return `${detailOf} (periods of ${shortest.toFixed(1)} to ${longest.toFixed(1)} px) comes through at ${Math.max(0, 100 * first.share).toFixed(0)} %`;
}
