/**
 * numpy.percentile, method `linear`: the value at position `(n - 1) · q / 100` of the sorted samples, interpolated
 * between the two order statistics around it. In float64, with numpy's own order of operations (`_lerp`): from the
 * nearer end, so that the result never leaves the interval.
 */
export interface PercentilePosition {
  readonly below: number;
  readonly above: number;
  readonly fraction: number;
}

export function percentilePosition(count: number, q: number): PercentilePosition {
  const position = ((count - 1) * q) / 100;
  const below = Math.min(Math.max(Math.floor(position), 0), count - 1);
  return { below, above: Math.min(below + 1, count - 1), fraction: position - below };
}

export function interpolate(low: number, high: number, fraction: number): number {
  const difference = high - low;
  return fraction >= 0.5 ? high - difference * (1 - fraction) : low + difference * fraction;
}
