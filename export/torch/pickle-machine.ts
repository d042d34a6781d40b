import { cutShort, malformed, type PicklePlace } from "./pickle-limits.ts";
import { opaque, type PickleValue } from "./pickle-values.ts";

const longestInteger = 16;

/** The bytes of a pickle, taken one after the other; `pickle-cut` is thrown where they end. */
export function pickleBytes(bytes: Buffer, file: string, start: number) {
  let at = start;
  const place = (): PicklePlace => ({ file, offset: at });
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw cutShort(place());
    at += length;
    return bytes.subarray(at - length, at);
  };
  return {
    get offset(): number {
      return at;
    },
    take,
    /** A length of 1, 4 or 8 bytes, little-endian. */
    length(size: 1 | 4 | 8): number {
      if (size === 1) return take(1).readUInt8();
      return size === 4 ? take(4).readUInt32LE() : Number(take(8).readBigUInt64LE());
    },
    text: (length: number): string => take(length).toString("utf8"),
    /** Up to the next newline, without it. */
    line(): string {
      const end = bytes.indexOf(0x0a, at);
      if (end === -1) throw cutShort(place());
      const value = bytes.toString("latin1", at, end);
      at = end + 1;
      return value;
    },
    /** Two's complement, little-endian. Longer ones than 16 bytes are closed values. */
    integer(length: number): PickleValue {
      const raw = take(length);
      if (length > longestInteger) return opaque;
      const value = raw.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
      const signed = length === 0 ? 0n : BigInt.asIntN(length * 8, value);
      return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
    },
  };
}

const markItem = Symbol("mark");

/** The stack and the memo of a pickle that is being read; what takes from an empty one is refused. */
export function pickleStack() {
  const items: (PickleValue | typeof markItem)[] = [];
  const memo = new Map<number, PickleValue>();
  const value = (item: PickleValue | typeof markItem | undefined, place: PicklePlace): PickleValue => {
    if (item === undefined || item === markItem) throw malformed("an empty stack", place);
    return item;
  };
  return {
    push: (item: PickleValue): void => void items.push(item),
    pop: (place: PicklePlace): PickleValue => value(items.pop(), place),
    top: (place: PicklePlace): PickleValue => value(items.at(-1), place),
    mark: (): void => void items.push(markItem),
    /** POP takes a mark as well as a value. */
    drop: (): void => void items.pop(),
    /** What was pushed since the last mark; the mark goes, too. */
    popToMark(place: PicklePlace): PickleValue[] {
      const from = items.lastIndexOf(markItem);
      if (from === -1) throw malformed("no mark on the stack", place);
      return (items.splice(from) as PickleValue[]).slice(1);
    },
    /** Keeps the top under a number, or under the next free one. */
    remember(index: number | undefined, place: PicklePlace): void {
      memo.set(index ?? memo.size, value(items.at(-1), place));
    },
    recall(index: number, place: PicklePlace): void {
      const known = memo.get(index);
      if (known === undefined) throw malformed(`memo ${index} was never written`, place);
      items.push(known);
    },
  };
}
