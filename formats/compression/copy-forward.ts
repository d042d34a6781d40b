/**
 * Copies `length` bytes of `output` from `from` to `to`, byte by byte where the two overlap: what was copied is copied
 * again, as the formats of the Lempel-Ziv family mean it. The caller checks the bounds.
 */
export function copyForward(output: Uint8Array, from: number, to: number, length: number): void {
  if (to - from >= length) {
    output.copyWithin(to, from, from + length);
    return;
  }
  if (to - from === 1) {
    output.fill(output[from] ?? 0, to, to + length);
    return;
  }
  for (let i = 0; i < length; i += 1) output[to + i] = output[from + i] ?? 0;
}
