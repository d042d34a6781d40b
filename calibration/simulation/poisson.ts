import type { Random } from "./random.ts";

/** From this mean on, rejection is quicker than adding up probabilities, and its constants hold. */
const rejectionFrom = 10;

/** A Poisson number with the given mean (≥ 0), exact in distribution. */
export function poisson(mean: number, random: Random): number {
  return mean < rejectionFrom ? byInversion(mean, random) : byRejection(mean, random);
}

/** Adds up the probabilities of 0, 1, 2, … until they pass a uniform number. */
function byInversion(mean: number, random: Random): number {
  let probability = Math.exp(-mean);
  // 32 random bits are too coarse for the tail: 2^-32 more of them.
  let left = random() + random() / 2 ** 32 - probability;
  let count = 0;
  while (left >= 0 && probability > 0) {
    count += 1;
    probability *= mean / count;
    left -= probability;
  }
  return count;
}

/**
 * Algorithm PTRS: transformed rejection with squeeze (Hörmann 1993, "The transformed rejection method for
 * generating Poisson random variables", Insurance: Mathematics and Economics 12).
 */
function byRejection(mean: number, random: Random): number {
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const squeeze = 0.9277 - 3.6224 / (b - 2);
  const logMean = Math.log(mean);
  for (;;) {
    const u = random() - 0.5;
    const v = random();
    const us = 0.5 - Math.abs(u);
    if (us === 0) continue;
    const count = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= squeeze) return count;
    if (count < 0 || (us < 0.013 && v > us)) continue;
    const logAccepted = Math.log((v * inverseAlpha) / (a / (us * us) + b));
    if (logAccepted <= count * logMean - mean - logFactorial(count)) return count;
  }
}

const smallLogFactorials = Float64Array.from({ length: 16 }, (_, count) => {
  let sum = 0;
  for (let factor = 2; factor <= count; factor += 1) sum += Math.log(factor);
  return sum;
});

/** log(n!), by Stirling's series from 16 on (error below 1e-12 there). */
export function logFactorial(count: number): number {
  if (count < smallLogFactorials.length) return smallLogFactorials[count] ?? 0;
  const n = count + 1;
  const inverse = 1 / n;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return (n - 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + series;
}
