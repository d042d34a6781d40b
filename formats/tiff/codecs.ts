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

/**
 * Undoes horizontal differencing (TIFF 6.0 section 14) in place. `rows` is rows of `rowValues` values in native
 * byte order; each value is the difference to the one before, wrapped. Floats are
 * treated as the integers of the same bits, so the array is unsigned.
 */
export function undoHorizontal(
  rows: Uint8Array | Uint16Array | Uint32Array | BigUint64Array,
  rowValues: number,
): void {
  if (rows instanceof BigUint64Array) {
    for (let start = 0; start < rows.length; start += rowValues) {
      for (let i = start + 1; i < start + rowValues; i += 1) {
        rows[i] = (rows[i] ?? 0n) + (rows[i - 1] ?? 0n);
      }
    }
    return;
  }
  for (let start = 0; start < rows.length; start += rowValues) {
    for (let i = start + 1; i < start + rowValues; i += 1) {
      rows[i] = (rows[i] ?? 0) + (rows[i - 1] ?? 0);
    }
  }
}

/**
 * Undoes the floating point predictor (Adobe Photoshop TIFF Technical Note 3). In a row the most significant
 * bytes of all values come first, whatever the byte order of the file, and bytes are differences. The result, in
 * place, is little-endian.
 */
export function undoFloatingPoint(bytes: Uint8Array, rowValues: number, valueBytes: number): void {
  const rowBytes = rowValues * valueBytes;
  const row = new Uint8Array(rowBytes);
  for (let start = 0; start < bytes.length; start += rowBytes) {
    row.set(bytes.subarray(start, start + rowBytes));
    for (let i = 1; i < rowBytes; i += 1) {
      row[i] = (row[i] ?? 0) + (row[i - 1] ?? 0);
    }
    for (let value = 0; value < rowValues; value += 1) {
      for (let byte = 0; byte < valueBytes; byte += 1) {
        bytes[start + value * valueBytes + byte] = row[(valueBytes - 1 - byte) * rowValues + value] ?? 0;
      }
    }
  }
}
