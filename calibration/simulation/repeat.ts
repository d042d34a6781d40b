import { between, randomOf } from "./random.ts";

/** One of several pictures of the same field. */
export interface Repeat {
  /** From 0; each has noise of its own. */
  readonly index: number;
  /** Share of the first repeat's light that is left. */
  readonly light: number;
  /** Where the field has moved since the first repeat, in pixels: down and to the right. */
  readonly driftY: number;
  readonly driftX: number;
}

export interface RepeatPlan {
  /** Share of the light that is lost from each repeat to the next. */
  readonly bleaching: number;
  /** Pixels that the field moves from each repeat to the next. */
  readonly driftPx: number;
  /** Says in which direction it moves. */
  readonly seed: number;
}

/** Bleaching is exponential, drift a straight line at constant speed. */
export function repeatOf(index: number, { bleaching, driftPx, seed }: RepeatPlan): Repeat {
  const angle = between(randomOf(seed, 4), 0, 2 * Math.PI);
  return {
    index,
    light: (1 - bleaching) ** index,
    driftY: index * driftPx * Math.sin(angle),
    driftX: index * driftPx * Math.cos(angle),
  };
}
