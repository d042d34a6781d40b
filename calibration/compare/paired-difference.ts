import { quantile } from "../metrics/intervals.ts";
import type { Random } from "../simulation/random.ts";

/** How two values that belong together differ, over many stacks. */
export interface PairedDifference {
  readonly stacks: number;
  /** Mean of first less second. */
  readonly mean: number;
  /** 95 % interval by bootstrap over stacks; absent for fewer than five, which carry none. */
  readonly low?: number;
  readonly high?: number;
  readonly first_better: number;
  readonly second_better: number;
  /**
   * Exact two-sided sign test: how often stacks that favour neither would be at least this one-sided. Ties are left
   * out (Conover 1999, section 3.4).
   */
  readonly sign_test_p: number;
}

const replicates = 4000;
const fewestForInterval = 5;

/** Stacks are the units: pixels of one stack are no independent evidence. Larger is better. */
export function pairedDifference(
  first: readonly number[],
  second: readonly number[],
  random: Random,
): PairedDifference {
  const differences = first.map((value, index) => value - (second[index] ?? Number.NaN));
  const stacks = differences.length;
  const mean = differences.reduce((sum, value) => sum + value, 0) / stacks;
  const firstBetter = differences.filter((value) => value > 0).length;
  const secondBetter = differences.filter((value) => value < 0).length;
  const base = {
    stacks,
    mean,
    first_better: firstBetter,
    second_better: secondBetter,
    sign_test_p: signTest(firstBetter, secondBetter),
  };
  if (stacks < fewestForInterval) return base;
  const means = Float64Array.from({ length: replicates }, () => {
    let sum = 0;
    for (let pick = 0; pick < stacks; pick += 1) sum += differences[Math.floor(random() * stacks)] ?? 0;
    return sum / stacks;
  }).sort();
  return { ...base, low: quantile(means, 0.025), high: quantile(means, 0.975) };
}

function signTest(a: number, b: number): number {
  const count = a + b;
  let term = 0.5 ** count;
  let tail = 0;
  for (let index = 0; index <= Math.min(a, b); index += 1) {
    tail += term;
    term *= (count - index) / (index + 1);
  }
  return Math.min(1, 2 * tail);
}
