import type { Samples, SampleType } from "../../core/acquisition.ts";
import type { StackLevels } from "../../core/intensity-map.ts";
import { createOrderCounter } from "./order-statistics.ts";
import { interpolate, percentilePosition } from "./percentile.ts";

/**
 * The two percentiles (0 to 100, numpy's `linear`) and the extremes of a whole stack, exactly, in one pass over its
 * planes (two for types of 32 bits and more). NaN and infinities do not count. Undefined where nothing is finite.
 */
export async function measureLevels(stack: {
  readonly sampleType: SampleType;
  readonly lowPercentile: number;
  readonly highPercentile: number;
  /** All planes, each as often as asked for; an array may be used again for the next. */
  readonly planes: () => AsyncIterable<Samples>;
}): Promise<StackLevels | undefined> {
  const counter = createOrderCounter(stack.sampleType);
  for await (const samples of stack.planes()) counter.addUpper(samples);
  const count = counter.count();
  if (count === 0) return undefined;

  const low = percentilePosition(count, stack.lowPercentile);
  const high = percentilePosition(count, stack.highPercentile);
  counter.want([0, low.below, low.above, high.below, high.above, count - 1]);
  if (counter.passes === 2) {
    for await (const samples of stack.planes()) counter.addLower(samples);
  }
  return {
    low: interpolate(counter.valueAt(low.below), counter.valueAt(low.above), low.fraction),
    high: interpolate(counter.valueAt(high.below), counter.valueAt(high.above), high.fraction),
    min: counter.valueAt(0),
    max: counter.valueAt(count - 1),
  };
}
