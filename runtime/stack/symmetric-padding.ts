/**
 * Which element stands at position `index` of an axis of `length` elements that is continued on both sides as numpy's
 * `pad(mode="symmetric")` does: mirrored with the edge element repeated, again and again (d c b a | a b c d | d c b a).
 */
export function symmetricIndex(index: number, length: number): number {
  const period = 2 * length;
  const position = ((index % period) + period) % period;
  return position < length ? position : period - 1 - position;
}
