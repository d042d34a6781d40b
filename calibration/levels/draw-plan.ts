import { usageError } from "../../core/errors.ts";
import { type Random, randomOf } from "../simulation/random.ts";

/** Which images are averaged for one level, and which are kept apart to judge it. Indices into the repeats. */
export interface LevelPlan {
  /** How many scans the input of this level stands for. */
  readonly averages: number;
  /** Disjoint sets; the mean of each is one input. */
  readonly draws: readonly (readonly number[])[];
  /** Shares no repeat with any draw. */
  readonly references: readonly number[];
}

interface PlanOptions {
  /** Levels wanted; 1, 2, 4, … up to N - 2 where absent. */
  readonly levels?: readonly number[] | undefined;
  /** At most this many draws per level (each is denoised). */
  readonly maxDraws: number;
  readonly seed: number;
}

/** Two references must be left, else there is no unbiased error. */
const fewestReferences = 2;

/**
 * Plans all levels for `count` repeats. Half of the repeats at most go into draws, unless the level itself needs
 * more; all others are references. Repeats are shuffled per level, so that what is left of drift and bleaching does
 * not fall on one side. Throws `usageError` for levels that leave fewer than two references.
 */
export function planLevels(count: number, { levels, maxDraws, seed }: PlanOptions): readonly LevelPlan[] {
  const most = count - fewestReferences;
  if (most < 1) {
    throw usageError("there are too few repeats", {
      code: "too-few-repeats",
      found: `${count}`,
      allowed: "at least 3: one to denoise and two as references",
      remedy: "Repeat the same field 6 to 64 times; two files can be compared with the compare command",
    });
  }
  const doublings = Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, power) => 2 ** power);
  const wanted = levels ?? doublings;
  return wanted.map((averages) => {
    if (!Number.isInteger(averages) || averages < 1 || averages > most) {
      throw usageError("a level cannot be made of these repeats", {
        code: "level-too-high",
        found: `${averages} averages of ${count} repeats`,
        allowed: `1 to ${most}: two repeats must be left as references`,
        remedy: "Choose smaller levels, or record more repeats",
      });
    }
    const order = shuffled(count, randomOf(seed, averages));
    const draws = drawCount(count, averages, maxDraws);
    return {
      averages,
      draws: Array.from({ length: draws }, (_, draw) => order.slice(draw * averages, (draw + 1) * averages)),
      references: order.slice(draws * averages).sort((a, b) => a - b),
    };
  });
}

/** A second draw is worth a third of the repeats: without it the noise of the input cannot be seen. */
function drawCount(count: number, averages: number, maxDraws: number): number {
  const fromHalf = Math.floor(count / (2 * averages));
  const second = count - 2 * averages >= Math.max(fewestReferences, count / 3) ? 2 : 1;
  return Math.min(maxDraws, Math.max(fromHalf, second));
}

/** 0 … count - 1 in random order (Fisher and Yates). */
function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let at = count - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    const kept = order[at] ?? at;
    order[at] = order[other] ?? other;
    order[other] = kept;
  }
  return order;
}

/**
 * Plans images that are averages already. The images of the highest level judge all others and are no level
 * themselves, unless three or more of them exist. `averages` has one entry per image.
 */
export function planReadyLevels(averages: readonly number[], maxDraws: number): readonly LevelPlan[] {
  const highest = Math.max(...averages);
  const levels = [...new Set(averages)].sort((a, b) => a - b);
  if (levels.length < 2) {
    throw usageError("there is only one level", {
      code: "levels-few",
      found: levels.join(", "),
      allowed: "at least a low and a high one",
      remedy: "Give the files of the levels with --level N=PATH, the highest as the reference",
    });
  }
  const ofLevel = (level: number) => Array.from(averages.keys()).filter((index) => averages[index] === level);
  const best = ofLevel(highest);
  const plans = levels
    .filter((level) => level < highest)
    .map((level) => ({
      averages: level,
      draws: ofLevel(level)
        .slice(0, maxDraws)
        .map((index) => [index]),
      references: best,
    }));
  if (best.length < 3) return plans;
  return [
    ...plans,
    { averages: highest, draws: best.slice(0, 1).map((index) => [index]), references: best.slice(1) },
  ];
}
