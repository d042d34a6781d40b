/** TIFF predictors, the writing side. All rows of a plane at once; each row starts anew. */

/**
 * Predictor 2 (TIFF 6.0 section 14): each integer sample less its left neighbour, modulo 2 to the number of bits.
 * `from` and `to` are `[rows, rowBytes]`, little-endian samples of 1, 2 or 4 bytes.
 */
export function differenceRows(
  from: Uint8Array,
  to: Uint8Array,
  rowBytes: number,
  bytesPerSample: number,
): void {
  const source = unsignedView(from, bytesPerSample);
  const target = unsignedView(to, bytesPerSample);
  const rowLength = rowBytes / bytesPerSample;
  for (let start = 0; start < source.length; start += rowLength) {
    let left = 0;
    for (let index = start; index < start + rowLength; index += 1) {
      const sample = source[index] ?? 0;
      // A typed array keeps the low bits of what is assigned.
      target[index] = sample - left;
      left = sample;
    }
  }
}

/**
 * Predictor 3 (Adobe Photoshop TIFF Technical Note 3): the bytes of a row's floats sorted by weight, heaviest
 * first, then each byte less its left neighbour. `from` and `to` are `[rows, rowBytes]`, little-endian floats.
 */
export function spreadAndDifferenceRows(
  from: Uint8Array,
  to: Uint8Array,
  rowBytes: number,
  bytesPerSample: number,
): void {
  const rowLength = rowBytes / bytesPerSample;
  for (let start = 0; start < from.length; start += rowBytes) {
    let left = 0;
    let place = start;
    for (let weight = bytesPerSample - 1; weight >= 0; weight -= 1) {
      for (let index = 0; index < rowLength; index += 1) {
        const byte = from[start + index * bytesPerSample + weight] ?? 0;
        to[place] = byte - left;
        left = byte;
        place += 1;
      }
    }
  }
}

function unsignedView(bytes: Uint8Array, bytesPerSample: number): Uint8Array | Uint16Array | Uint32Array {
  const length = bytes.byteLength / bytesPerSample;
  if (bytesPerSample === 1) return bytes;
  if (bytesPerSample === 2) return new Uint16Array(bytes.buffer, bytes.byteOffset, length);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, length);
}
