/** The filters of Blosc (c-blosc 1.21, `shuffle.c`): bytes or bits of equal rank of all values lie together. */

/** Undoes the byte shuffle of values of `valueBytes`; what is left over at the end was not shuffled. */
export function unshuffle(input: Uint8Array, output: Uint8Array, valueBytes: number): void {
  const values = Math.floor(input.length / valueBytes);
  for (let byte = 0; byte < valueBytes; byte += 1) {
    const start = byte * values;
    for (let value = 0, to = byte; value < values; value += 1, to += valueBytes) {
      output[to] = input[start + value] ?? 0;
    }
  }
  const shuffled = values * valueBytes;
  output.set(input.subarray(shuffled), shuffled);
}

/**
 * Undoes the bit shuffle (bitshuffle, `bshuf_untrans_bit_elem`). Values come in eights: where their number is no multiple
 * of eight, c-blosc stores them as they are.
 */
export function bitUnshuffle(input: Uint8Array, output: Uint8Array, valueBytes: number): void {
  const values = Math.floor(input.length / valueBytes);
  if (values % 8 !== 0) {
    output.set(input);
    return;
  }
  const eights = values / 8;
  for (let byte = 0; byte < valueBytes; byte += 1) {
    const start = byte * 8 * eights;
    for (let eight = 0; eight < eights; eight += 1) {
      // Row r of this 8 x 8 matrix of bits has bit r of eight values; transposed, row v is the byte of value v.
      let high = 0;
      let low = 0;
      for (let row = 0; row < 4; row += 1) {
        low |= (input[start + row * eights + eight] ?? 0) << (8 * row);
        high |= (input[start + (row + 4) * eights + eight] ?? 0) << (8 * row);
      }
      // Hacker's Delight, section 7-3, on two words of 32 bits.
      let swap = (low ^ (low >>> 7)) & 0x00aa00aa;
      low ^= swap ^ (swap << 7);
      swap = (high ^ (high >>> 7)) & 0x00aa00aa;
      high ^= swap ^ (swap << 7);
      swap = (low ^ (low >>> 14)) & 0x0000cccc;
      low ^= swap ^ (swap << 14);
      swap = (high ^ (high >>> 14)) & 0x0000cccc;
      high ^= swap ^ (swap << 14);
      swap = ((low >>> 4) ^ high) & 0x0f0f0f0f;
      high ^= swap;
      low ^= swap << 4;
      let to = eight * 8 * valueBytes + byte;
      for (let value = 0; value < 4; value += 1, to += valueBytes) output[to] = (low >>> (8 * value)) & 0xff;
      for (let value = 0; value < 4; value += 1, to += valueBytes) output[to] = (high >>> (8 * value)) & 0xff;
    }
  }
  const shuffled = values * valueBytes;
  output.set(input.subarray(shuffled), shuffled);
}
