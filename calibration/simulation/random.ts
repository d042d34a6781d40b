/** Random numbers that are the same on every machine for the same seed. */

/** Uniform on [0, 1), with 32 random bits. */
export type Random = () => number;

/**
 * xoshiro128** 1.1 (Blackman and Vigna 2018, "Scrambled linear pseudorandom number generators"). `key` is the seed
 * followed by what the stream is for (time, channel, plane, …): each key has its own stream, so that planes do not
 * depend on the order in which they are made.
 */
export function randomOf(...key: readonly number[]): Random {
  let mixed = 0x9e3779b9;
  for (const part of key) mixed = scrambled(mixed ^ scrambled((part + 0x6d2b79f5) | 0));
  const next = (): number => {
    mixed = (mixed + 0x9e3779b9) | 0;
    return scrambled(mixed);
  };
  let s0 = next();
  let s1 = next();
  let s2 = next();
  let s3 = next() | 1;
  return () => {
    const product = Math.imul(s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = (s3 << 11) | (s3 >>> 21);
    return (result >>> 0) / 2 ** 32;
  };
}

/** The finalizer of MurmurHash3 (Appleby): every bit of the input changes about half of the output's. */
function scrambled(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** Standard normal numbers by Marsaglia's polar method (1964), two at a time. */
export function normalOf(random: Random): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    for (;;) {
      const u = 2 * random() - 1;
      const v = 2 * random() - 1;
      const square = u * u + v * v;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      spare = v * factor;
      return u * factor;
    }
  };
}

/** Uniform on [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random();
}
