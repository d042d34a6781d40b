import { cutShort, type PicklePlace } from "./pickle-errors.ts";
import { opaque, type PickleValue } from "./pickle-values.ts";

/** The bytes of a pickle, taken one after the other; `pickle-cut` is thrown where they end. */
export interface PickleBytes {
  readonly offset: number;
  take(length: number): Buffer;
  /** A length of 1, 4 or 8 bytes, little-endian. */
  length(bytes: 1 | 4 | 8): number;
  text(length: number): string;
  /** Up to the next newline, without it. */
  line(): string;
  /** Two's complement, little-endian. Longer ones than 16 bytes are closed values. */
  integer(length: number): PickleValue;
}

const longestInteger = 16;

export function pickleBytes(bytes: Buffer, file: string, start: number): PickleBytes {
  let at = start;
  const place = (): PicklePlace => ({ file, offset: at });
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw cutShort(place());
    at += length;
    return bytes.subarray(at - length, at);
  };
  return {
    get offset() {
      return at;
    },
    take,
    length(size) {
      if (size === 1) return take(1).readUInt8();
      return size === 4 ? take(4).readUInt32LE() : Number(take(8).readBigUInt64LE());
    },
    text: (length) => take(length).toString("utf8"),
    line() {
      const end = bytes.indexOf(0x0a, at);
      if (end === -1) throw cutShort(place());
      const value = bytes.toString("latin1", at, end);
      at = end + 1;
      return value;
    },
    integer(length) {
      const raw = take(length);
      if (length > longestInteger) return opaque;
      const value = raw.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
      const signed = length === 0 ? 0n : BigInt.asIntN(length * 8, value);
      return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
    },
  };
}
