/** Maps values to places between two ends, and knows where ticks belong. */
export interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
  /** Whether the value has a place: finite, and above 0 on a logarithmic scale. */
  readonly holds: (value: number) => boolean;
}

/** Round steps of 1, 2 or 5 times a power of ten, about `wanted` of them. */
export function linearScale(values: readonly number[], ends: readonly [number, number], wanted = 5): Scale {
  const finite = values.filter(Number.isFinite);
  let low = Math.min(...finite);
  let high = Math.max(...finite);
  if (!(high > low)) [low, high] = [low - 1, high + 1];
  const step = roundStep((high - low) / wanted);
  const from = Math.floor(low / step) * step;
  const to = Math.ceil(high / step) * step;
  const count = Math.round((to - from) / step);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return {
    place: (value) => ends[0] + ((value - from) / (to - from)) * (ends[1] - ends[0]),
    holds: Number.isFinite,
    ticks: Array.from({ length: count + 1 }, (_, index) => {
      const value = from + index * step;
      return { value, label: value.toFixed(digits) };
    }),
  };
}

/** Ticks at powers of `base`; for base 10 also at 2 and 5 times these where there are few. */
export function logScale(values: readonly number[], ends: readonly [number, number], base: 2 | 10): Scale {
  const finite = values.filter((value) => Number.isFinite(value) && value > 0);
  const power = (value: number) => Math.log(value) / Math.log(base);
  let low = power(Math.min(...finite));
  let high = power(Math.max(...finite));
  if (base === 10 || high - low < 1) {
    low = Math.floor(low + 1e-9);
    high = Math.max(low + 1, Math.ceil(high - 1e-9));
  }
  const pad = base === 2 ? 0.15 : 0;
  const powers = Array.from(
    { length: Math.floor(high + 1e-9) - Math.ceil(low - 1e-9) + 1 },
    (_, index) => Math.ceil(low - 1e-9) + index,
  );
  const between = base === 10 && powers.length <= 3 ? [1, 2, 5] : [1];
  const ticks = powers
    .flatMap((of) => between.map((times) => times * base ** of))
    .filter((value) => power(value) <= high + 1e-9);
  return {
    place: (value) => ends[0] + ((power(value) - low + pad) / (high - low + 2 * pad)) * (ends[1] - ends[0]),
    holds: (value) => Number.isFinite(value) && value > 0,
    ticks: ticks.map((value) => ({
      value,
      label: value >= 0.001 && value < 1e5 ? String(Number(value.toPrecision(3))) : value.toExponential(0),
    })),
  };
}

function roundStep(rough: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const share = rough / magnitude;
  if (share <= 1) return magnitude;
  if (share <= 2) return 2 * magnitude;
  return share <= 5 ? 5 * magnitude : 10 * magnitude;
}
