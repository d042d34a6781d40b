/** Codes of the TIFF variant of LZW, TIFF 6.0 section 13. */
const clearCode = 256;
const endOfInformation = 257;
const firstFree = 258;
const tableSize = 4096;

/**
 * Decodes TIFF LZW (codes of 9 to 12 bits, most significant bit first, width changes one code early) into
 * `output`. Returns how many bytes it made, or undefined where the stream is damaged. Stops when the output is
 * full; where the stream ends too early the count is short.
 *
 * A table entry is a string that was written to the output before: it is kept as its place and its length there.
 */
export function decodeLzw(input: Uint8Array, output: Uint8Array): number | undefined {
  const place = new Uint32Array(tableSize);
  const length = new Uint16Array(tableSize);
  let free = firstFree;
  let width = 9;
  let bits = 0;
  let held = 0;
  let from = 0;
  let to = 0;
  // The string of the code before: where it lies in the output, and its length (0 after a clear code).
  let previousPlace = 0;
  let previousLength = 0;

  while (to < output.length) {
    while (held < width) {
      if (from >= input.length) return to;
      bits = ((bits << 8) | (input[from] ?? 0)) & 0xff_ffff;
      from += 1;
      held += 8;
    }
    held -= width;
    const code = (bits >>> held) & ((1 << width) - 1);

    if (code === endOfInformation) return to;
    if (code === clearCode) {
      free = firstFree;
      width = 9;
      previousLength = 0;
      continue;
    }
    const start = to;
    if (code < clearCode) {
      output[to] = code;
      to += 1;
    } else if (previousLength > 0 && code < free) {
      to = copyWithin(output, place[code] ?? 0, to, length[code] ?? 0);
    } else if (previousLength > 0 && code === free && free < tableSize) {
      // The code that is being defined now: the string before and its own first byte.
      to = copyWithin(output, previousPlace, to, previousLength + 1);
    } else {
      return undefined;
    }
    // New entry: the string before and the first byte of this one, which lie side by side in the output.
    if (previousLength > 0 && free < tableSize) {
      place[free] = previousPlace;
      length[free] = previousLength + 1;
      free += 1;
      if (free >= (1 << width) - 1 && width < 12) width += 1;
    }
    previousPlace = start;
    previousLength = to - start;
  }
  return to;
}

/** Copies forward byte by byte, since source and target may overlap; cut at the end of the output. */
function copyWithin(output: Uint8Array, from: number, to: number, length: number): number {
  const end = Math.min(to + length, output.length);
  let source = from;
  let target = to;
  while (target < end) {
    output[target] = output[source] ?? 0;
    source += 1;
    target += 1;
  }
  return target;
}
