/** The reversed polynomial of CRC-32C (Castagnoli): RFC 3720, section 12.1. */
const polynomial = 0x82f6_3b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ polynomial : rest >>> 1;
  return rest >>> 0;
});

/** The checksum of the codec `crc32c` of zarr; `zlib.crc32` has another polynomial. */
export function crc32c(bytes: Uint8Array): number {
  let rest = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i += 1) {
    rest = (table[(rest ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (rest >>> 8);
  }
  return (rest ^ 0xffff_ffff) >>> 0;
}
