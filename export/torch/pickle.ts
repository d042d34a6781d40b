import { cutShort, malformed, type PicklePlace, reduce, resolveGlobal, storageOf } from "./pickle-globals.ts";
import type { PickleTuple, PickleValue, StorageReference } from "./pickle-values.ts";

/**
 * Reads a pickle (protocols 2 to 5, the opcodes that torch writes) into plain data. It builds lists, tuples, dicts and
 * references to storages; of names it knows a dozen (`pickle-globals.ts`) and refuses all others with their offset.
 * Time and memory are linear in the bytes read. Source: CPython, `Lib/pickletools.py`.
 */

const mark = Symbol("mark");
type StackItem = PickleValue | typeof mark;

export interface PickleResult {
  readonly value: PickleValue;
  /** Every storage that was named, by key. */
  readonly storages: ReadonlyMap<string, StorageReference>;
  /** Offset of the byte after STOP: torch's older format writes several pickles one after the other. */
  readonly end: number;
}

export function readPickle(bytes: Buffer, file: string, start = 0): PickleResult {
  const stack: StackItem[] = [];
  const memo = new Map<number, PickleValue>();
  const storages = new Map<string, StorageReference>();
  let at = start;
  let place: PicklePlace = { file, offset: start };

  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw cutShort(place);
    at += length;
    return bytes.subarray(at - length, at);
  };
  const text = (length: number): string => take(length).toString("utf8");
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at);
    if (end === -1) throw cutShort(place);
    const value = bytes.toString("latin1", at, end);
    at = end + 1;
    return value;
  };
  const pop = (): PickleValue => {
    const item = stack.pop();
    if (item === undefined || item === mark) throw malformed("an empty stack", place);
    return item;
  };
  const popToMark = (): PickleValue[] => {
    const from = stack.lastIndexOf(mark);
    if (from === -1) throw malformed("no mark on the stack", place);
    const items = stack.splice(from) as PickleValue[];
    return items.slice(1);
  };
  const top = (): PickleValue => {
    const item = stack.at(-1);
    if (item === undefined || item === mark) throw malformed("an empty stack", place);
    return item;
  };
  const remember = (index: number): void => void memo.set(index, top());
  const recall = (index: number): void => {
    const value = memo.get(index);
    if (value === undefined) throw malformed(`memo ${index} was never written`, place);
    stack.push(value);
  };
  const tuple = (items: readonly PickleValue[]): PickleTuple => ({ kind: "tuple", items });
  const append = (items: readonly PickleValue[]): void => {
    const list = top();
    if (typeof list !== "object" || list?.kind !== "list") throw malformed("APPEND to no list", place);
    for (const item of items) list.items.push(item);
  };
  const setItems = (items: readonly PickleValue[]): void => {
    const dict = top();
    if (typeof dict !== "object" || dict?.kind !== "dict" || items.length % 2 !== 0) {
      throw malformed("SETITEM on no dict", place);
    }
    for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i] ?? null, items[i + 1] ?? null);
  };
  const long = (length: number): PickleValue => {
    if (length > 16) throw malformed(`an integer of ${length} bytes`, place);
    const value = take(length).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const signed = length === 0 ? 0n : BigInt.asIntN(length * 8, value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  };

  for (;;) {
    place = { file, offset: at };
    const opcode = take(1)[0];
    switch (opcode) {
      case 0x80: // PROTO
        if ((take(1)[0] ?? 0) > 5) throw malformed("a protocol newer than 5", place);
        break;
      case 0x95: // FRAME
        take(8);
        break;
      case 0x28: // MARK
        stack.push(mark);
        break;
      case 0x2e: // STOP
        return { value: pop(), storages, end: at };
      case 0x30: // POP
        stack.pop();
        break;
      case 0x32: // DUP
        stack.push(top());
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x4b: // BININT1
        stack.push(take(1).readUInt8());
        break;
      case 0x4d: // BININT2
        stack.push(take(2).readUInt16LE());
        break;
      case 0x4a: // BININT
        stack.push(take(4).readInt32LE());
        break;
      case 0x8a: // LONG1
        stack.push(long(take(1).readUInt8()));
        break;
      case 0x47: // BINFLOAT
        stack.push(take(8).readDoubleBE());
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(text(take(1).readUInt8()));
        break;
      case 0x58: // BINUNICODE
        stack.push(text(take(4).readUInt32LE()));
        break;
      case 0x55: // SHORT_BINSTRING
        stack.push(text(take(1).readUInt8()));
        break;
      case 0x5d: // EMPTY_LIST
        stack.push({ kind: "list", items: [] });
        break;
      case 0x6c: // LIST
        stack.push({ kind: "list", items: popToMark() });
        break;
      case 0x29: // EMPTY_TUPLE
        stack.push(tuple([]));
        break;
      case 0x74: // TUPLE
        stack.push(tuple(popToMark()));
        break;
      case 0x85: // TUPLE1
        stack.push(tuple([pop()]));
        break;
      case 0x86: // TUPLE2
        stack.push(tuple([pop(), pop()].reverse()));
        break;
      case 0x87: // TUPLE3
        stack.push(tuple([pop(), pop(), pop()].reverse()));
        break;
      case 0x7d: // EMPTY_DICT
        stack.push({ kind: "dict", entries: new Map() });
        break;
      case 0x61: // APPEND
        append([pop()]);
        break;
      case 0x65: // APPENDS
        append(popToMark());
        break;
      case 0x73: // SETITEM
        setItems([pop(), pop()].reverse());
        break;
      case 0x75: // SETITEMS
        setItems(popToMark());
        break;
      case 0x71: // BINPUT
        remember(take(1).readUInt8());
        break;
      case 0x72: // LONG_BINPUT
        remember(take(4).readUInt32LE());
        break;
      case 0x94: // MEMOIZE
        remember(memo.size);
        break;
      case 0x68: // BINGET
        recall(take(1).readUInt8());
        break;
      case 0x6a: // LONG_BINGET
        recall(take(4).readUInt32LE());
        break;
      case 0x63: // GLOBAL
        stack.push(resolveGlobal(line(), line(), place));
        break;
      case 0x93: {
        // STACK_GLOBAL
        const name = pop();
        const module = pop();
        if (typeof name !== "string" || typeof module !== "string")
          throw malformed("a name that is no text", place);
        stack.push(resolveGlobal(module, name, place));
        break;
      }
      case 0x51: {
        // BINPERSID
        const storage = storageOf(pop(), place);
        storages.set(storage.key, storage);
        stack.push(storage);
        break;
      }
      case 0x52: {
        // REDUCE
        const args = pop();
        stack.push(reduce(pop(), args, place));
        break;
      }
      case 0x62: {
        // BUILD: a state dict carries its `_metadata` so; it holds module versions and is not needed.
        pop();
        const target = top();
        if (typeof target !== "object" || target?.kind !== "dict") throw malformed("BUILD on no dict", place);
        break;
      }
      default:
        throw malformed(
          `opcode 0x${(opcode ?? 0).toString(16)}, which torch does not write for weights`,
          place,
        );
    }
  }
}
