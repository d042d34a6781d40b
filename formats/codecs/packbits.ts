/**
 * Unpacks PackBits (TIFF 6.0 section 9) into `output`. Returns how many bytes it made; it stops when the output
 * is full, and where the input ends too early the count is short.
 */
export function unpackBits(input: Uint8Array, output: Uint8Array): number {
  let from = 0;
  let to = 0;
  while (from < input.length && to < output.length) {
    const header = input[from] ?? 0;
    from += 1;
    if (header < 128) {
      const length = Math.min(header + 1, input.length - from, output.length - to);
      output.set(input.subarray(from, from + length), to);
      from += header + 1;
      to += length;
    } else if (header > 128 && from < input.length) {
      const length = Math.min(257 - header, output.length - to);
      output.fill(input[from] ?? 0, to, to + length);
      from += 1;
      to += length;
    }
  }
  return to;
}
