import { usageError } from "../../core/errors.ts";
import type { LevelPlan } from "./draw-plan.ts";

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
