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
