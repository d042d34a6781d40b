import { copyForward, copyLiterals } from "./copy-forward.ts";

/** The shortest match; its length is not stored. */
const minMatch = 4;

/**
 * Unpacks one LZ4 block (LZ4 Block Format Description, 2022) into `output`. Whether the input is whole and gives exactly
 * as many bytes as `output` has.
 */
export function unpackLz4(input: Uint8Array, output: Uint8Array): boolean {
  let from = 0;
  let to = 0;
  /** A length that goes on in bytes of 255 and ends with a smaller one; NaN where the input ends before. */
  const longLength = (start: number): number => {
    let length = start;
    for (;;) {
      const byte = input[from];
      if (byte === undefined) return Number.NaN;
      from += 1;
      length += byte;
      if (byte !== 255) return length;
    }
  };
  while (from < input.length) {
    const token = input[from] ?? 0;
    from += 1;
    const literals = token >> 4 === 15 ? longLength(15) : token >> 4;
    // Also where a length is NaN.
    if (!(from + literals <= input.length && to + literals <= output.length)) return false;
    copyLiterals(input, from, output, to, literals);
    from += literals;
    to += literals;
    // The last sequence has literals only.
    if (from === input.length) return to === output.length;
    if (from + 2 > input.length) return false;
    const distance = (input[from] ?? 0) | ((input[from + 1] ?? 0) << 8);
    from += 2;
    const length = minMatch + ((token & 15) === 15 ? longLength(15) : token & 15);
    if (distance === 0 || distance > to || !(to + length <= output.length)) return false;
    copyForward(output, to - distance, to, length);
    to += length;
  }
  return false;
}
