import type { AxisPlan, TilePlan } from "../runtime/plan/tile-plan.ts";

/** How much steeper an image is where tiles begin or end than elsewhere along one axis. */
export interface SeamsAlong {
  /** Mean absolute gradient at the borders, of its mean elsewhere. */
  readonly ratio: number;
  /** Between these ratios lie 95 % of the places elsewhere, each of the mean of all of them. */
  readonly elsewhere: readonly [low: number, high: number];
}

/** Where tiles begin or end inside an axis: the border `i` lies between the elements `i` and `i + 1`. */
export function bordersOf({ length, tile, spans }: AxisPlan): number[] {
  const borders = spans.flatMap(({ start }) => [start - 1, start + tile - 1]);
  return [...new Set(borders)].filter((at) => at >= 0 && at + 1 < length);
}

/** `values` is `[depth, height, width]`; `k` counts the axes in this order. */
export function seamsAlong(values: Float32Array, { axes }: TilePlan, k: number): SeamsAlong {
  const axis = axes[k] ?? axes[0];
  const step = axes.slice(k + 1).reduce((product, { length }) => product * length, 1);
  const gradients = new Float64Array(axis.length - 1);
  for (let i = 0; i + step < values.length; i += 1) {
    const at = Math.floor(i / step) % axis.length;
    if (at === gradients.length) continue;
    gradients[at] = (gradients[at] ?? 0) + Math.abs((values[i + step] ?? 0) - (values[i] ?? 0));
  }
  const borders = new Set(bordersOf(axis));
  const atBorders = gradients.filter((_, at) => borders.has(at));
  const elsewhere = gradients.filter((_, at) => !borders.has(at)).sort();
  const mean = meanOf(elsewhere);
  const quantile = (share: number): number =>
    (elsewhere[Math.round(share * (elsewhere.length - 1))] ?? Number.NaN) / mean;
  return { ratio: meanOf(atBorders) / mean, elsewhere: [quantile(0.025), quantile(0.975)] };
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
