import { quantile } from "./intervals.ts";

/** Mean of the middle two for an even number; NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}
