/** At most so many in a stretch of time; counts what it held back. Pure but for its memory. */
export function createRateLimit(most: number, withinMs: number) {
  let sentMs: number[] = [];
  let suppressed = 0;
  /** How many were held back before this one, or undefined when this one is to be held back too. */
  return (nowMs: number): number | undefined => {
    sentMs = sentMs.filter((ms) => nowMs - ms < withinMs);
    if (sentMs.length >= most) {
      suppressed += 1;
      return undefined;
    }
    sentMs.push(nowMs);
    const before = suppressed;
    suppressed = 0;
    return before;
  };
}
