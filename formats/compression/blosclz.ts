import { copyForward, copyLiterals } from "./copy-forward.ts";

/** A longer distance has two bytes more. */
const shortDistance = 8191;

/**
 * Unpacks BloscLZ, which is FastLZ's second level (c-blosc 1.21, `blosclz.c`), into `output`. Whether the input is whole
 * and gives exactly as many bytes as `output` has.
 */
export function unpackBloscLz(input: Uint8Array, output: Uint8Array): boolean {
  let from = 0;
  let to = 0;
  const next = (): number => {
    const byte = input[from] ?? Number.NaN;
    from += 1;
    return byte;
  };
  // The first byte begins with literals; its upper bits say which level this is.
  let control = next() & 31;
  for (;;) {
    if (control < 32) {
      const literals = control + 1;
      if (from + literals > input.length || to + literals > output.length) return false;
      copyLiterals(input, from, output, to, literals);
      from += literals;
      to += literals;
    } else {
      let length = (control >> 5) + 2;
      if (length === 9) {
        let more: number;
        do {
          more = next();
          length += more;
        } while (more === 255);
      }
      const high = (control & 31) << 8;
      const low = next();
      const isLong = low === 255 && high === 31 << 8;
      const distance = 1 + (isLong ? shortDistance + (next() << 8) + next() : high + low);
      if (from > input.length || distance > to || !(to + length <= output.length)) return false;
      copyForward(output, to - distance, to, length);
      to += length;
    }
    if (from >= input.length) return from === input.length && to === output.length;
    control = next();
  }
}
