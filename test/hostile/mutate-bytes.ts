/** A number from 0 up to, but not, `below`. */
export type Below = (below: number) => number;

/** A small generator with a seed (mulberry32), so that a failure can be repeated. */
export function randomBelow(seed: number): Below {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Flips bytes, mostly near both ends, where headers and directories lie; sometimes cuts the file or doubles a part. */
export function mutatedBytes(bytes: Buffer, next: Below): Buffer {
  const result = Buffer.from(bytes);
  const header = Math.min(result.length, 600);
  for (let flips = 1 + next(6); flips > 0; flips -= 1) {
    const at =
      next(3) === 0 ? next(result.length) : next(2) === 0 ? next(header) : result.length - 1 - next(header);
    result[at] = [0, 0xff, 0x80, next(256), (result[at] ?? 0) ^ (1 << next(8))][next(5)] ?? 0;
  }
  const way = next(10);
  if (way === 0) return result.subarray(0, next(result.length));
  return way === 1 ? Buffer.concat([result, result.subarray(next(result.length))]) : result;
}

/** Changes digits of the UTF-16 text in a file: the document stays sound, and its numbers lie. */
export function otherDigits(bytes: Buffer, next: Below): Buffer {
  const result = Buffer.from(bytes);
  const digits = [...bytes.subarray(0, 8000).keys()].filter(
    (at) => (bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39 && bytes[at + 1] === 0,
  );
  for (let changes = 1 + next(6); changes > 0; changes -= 1) {
    result[digits[next(digits.length)] ?? 0] = 0x30 + next(10);
  }
  return result;
}
