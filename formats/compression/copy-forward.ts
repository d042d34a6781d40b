/** From so many bytes on a call costs less than a loop. */
const worthACall = 48;

/**
 * Copies `length` bytes of `output` from `from` to `to`, byte by byte where the two overlap: what was copied is copied
 * again, as the formats of the Lempel-Ziv family mean it. The caller checks the bounds.
 */
export function copyForward(output: Uint8Array, from: number, to: number, length: number): void {
  if (length >= worthACall && to - from >= length) {
    output.copyWithin(to, from, from + length);
    return;
  }
  if (length >= worthACall && to - from === 1) {
    output.fill(output[from] ?? 0, to, to + length);
    return;
  }
  for (let i = 0; i < length; i += 1) output[to + i] = output[from + i] ?? 0;
}

/** Copies `length` bytes of `input` to `output`. The caller checks the bounds. */
export function copyLiterals(
  input: Uint8Array,
  from: number,
  output: Uint8Array,
  to: number,
  length: number,
): void {
  if (length >= worthACall) output.set(input.subarray(from, from + length), to);
  else for (let i = 0; i < length; i += 1) output[to + i] = input[from + i] ?? 0;
}
