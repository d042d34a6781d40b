import { pickleBytes } from "./pickle-bytes.ts";
import { malformed, type PicklePlace } from "./pickle-errors.ts";
import { reduce, resolveGlobal } from "./pickle-globals.ts";
import { costlySteps, maxStorages, stepCounter, tooMuch } from "./pickle-limits.ts";
import { pickleStack } from "./pickle-stack.ts";
import { isDict, isTensor, opaque, type PickleValue, type StorageReference } from "./pickle-values.ts";
import { storageOf } from "./rebuild-tensor.ts";

/**
 * Reads a pickle (protocols 2 to 5, the opcodes that torch writes) into plain data. It builds lists, tuples, dicts and
 * references to storages; of names it knows a closed list (`pickle-globals.ts`) and refuses all others with their
 * offset. Time and memory are bounded (`pickle-limits.ts`). Source: CPython, `Lib/pickletools.py`.
 */

export interface PickleResult {
  readonly value: PickleValue;
  /** Every storage that was named, by key. */
  readonly storages: ReadonlyMap<string, StorageReference>;
  /** Offset of the byte after STOP: torch's older format writes several pickles one after the other. */
  readonly end: number;
}

/** Opcodes that make an object, or keep one in the memo. */
const costly = new Set([
  ...[0x5d, 0x6c, 0x7d, 0x29, 0x74, 0x85, 0x86, 0x87, 0x91], // lists, dicts, tuples, frozen sets
  ...[0x71, 0x72, 0x94, 0x63, 0x93, 0x51, 0x52, 0x81, 0x92], // memo, names, storages, what is built
]);

export function readPickle(buffer: Buffer, file: string, start = 0): PickleResult {
  const bytes = pickleBytes(buffer, file, start);
  const stack = pickleStack();
  const spend = stepCounter();
  const storages = new Map<string, StorageReference>();
  let place: PicklePlace = { file, offset: start };
  const { push } = stack;
  const pop = (): PickleValue => stack.pop(place);
  const popToMark = (): PickleValue[] => stack.popToMark(place);
  const tuple = (items: readonly PickleValue[]): void => push({ kind: "tuple", items });
  const build = (): void => {
    const args = pop();
    push(reduce(pop(), args, place, spend));
  };

  for (;;) {
    place = { file, offset: bytes.offset };
    const opcode = bytes.take(1)[0] ?? 0;
    spend(costly.has(opcode) ? costlySteps : 1, place);
    switch (opcode) {
      case 0x80: // PROTO
        if (bytes.length(1) > 5) throw malformed("a protocol newer than 5", place);
        break;
      case 0x95: // FRAME
        bytes.take(8);
        break;
      case 0x28: // MARK
        stack.mark();
        break;
      case 0x2e: // STOP
        return { value: pop(), storages, end: bytes.offset };
      case 0x30: // POP
        stack.drop();
        break;
      case 0x31: // POP_MARK
        popToMark();
        break;
      case 0x32: // DUP
        push(stack.top(place));
        break;
      case 0x4e: // NONE
        push(null);
        break;
      case 0x88: // NEWTRUE
        push(true);
        break;
      case 0x89: // NEWFALSE
        push(false);
        break;
      case 0x4b: // BININT1
        push(bytes.take(1).readUInt8());
        break;
      case 0x4d: // BININT2
        push(bytes.take(2).readUInt16LE());
        break;
      case 0x4a: // BININT
        push(bytes.take(4).readInt32LE());
        break;
      case 0x8a: // LONG1
        push(bytes.integer(bytes.length(1)));
        break;
      case 0x8b: // LONG4
        push(bytes.integer(bytes.length(4)));
        break;
      case 0x47: // BINFLOAT
        push(bytes.take(8).readDoubleBE());
        break;
      case 0x8c: // SHORT_BINUNICODE
      case 0x55: // SHORT_BINSTRING
        push(bytes.text(bytes.length(1)));
        break;
      case 0x58: // BINUNICODE
      case 0x54: // BINSTRING
        push(bytes.text(bytes.length(4)));
        break;
      case 0x8d: // BINUNICODE8
        push(bytes.text(bytes.length(8)));
        break;
      case 0x43: // SHORT_BINBYTES
        bytes.take(bytes.length(1));
        push(opaque);
        break;
      case 0x42: // BINBYTES
        bytes.take(bytes.length(4));
        push(opaque);
        break;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        bytes.take(bytes.length(8));
        push(opaque);
        break;
      case 0x5d: // EMPTY_LIST
        push({ kind: "list", items: [] });
        break;
      case 0x6c: // LIST
        push({ kind: "list", items: popToMark() });
        break;
      case 0x29: // EMPTY_TUPLE
        tuple([]);
        break;
      case 0x74: // TUPLE
        tuple(popToMark());
        break;
      case 0x85: // TUPLE1
        tuple([pop()]);
        break;
      case 0x86: // TUPLE2
        tuple([pop(), pop()].reverse());
        break;
      case 0x87: // TUPLE3
        tuple([pop(), pop(), pop()].reverse());
        break;
      case 0x7d: // EMPTY_DICT
        push({ kind: "dict", entries: new Map() });
        break;
      case 0x8f: // EMPTY_SET
        push(opaque);
        break;
      case 0x91: // FROZENSET
        popToMark();
        push(opaque);
        break;
      case 0x61: // APPEND
        append(stack.pop(place), stack.top(place), place);
        break;
      case 0x65: // APPENDS
      case 0x90: {
        // ADDITEMS
        const items = popToMark();
        const list = stack.top(place);
        for (const item of items) append(item, list, place);
        break;
      }
      case 0x73: // SETITEM
        setItems([pop(), pop()].reverse(), stack.top(place), place);
        break;
      case 0x75: // SETITEMS
        setItems(popToMark(), stack.top(place), place);
        break;
      case 0x71: // BINPUT
        stack.remember(bytes.length(1), place);
        break;
      case 0x72: // LONG_BINPUT
        stack.remember(bytes.length(4), place);
        break;
      case 0x94: // MEMOIZE
        stack.remember(undefined, place);
        break;
      case 0x68: // BINGET
        stack.recall(bytes.length(1), place);
        break;
      case 0x6a: // LONG_BINGET
        stack.recall(bytes.length(4), place);
        break;
      case 0x63: // GLOBAL
        push(resolveGlobal(bytes.line(), bytes.line(), place));
        break;
      case 0x93: {
        // STACK_GLOBAL
        const name = pop();
        const module = pop();
        if (typeof name !== "string" || typeof module !== "string")
          throw malformed("a name that is not text", place);
        push(resolveGlobal(module, name, place));
        break;
      }
      case 0x51: {
        // BINPERSID
        const storage = storageOf(pop(), place);
        keepStorage(storage, storages, place);
        push(storage);
        break;
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        build();
        break;
      case 0x92: // NEWOBJ_EX: keyword arguments come last
        pop();
        build();
        break;
      case 0x62: // BUILD: its attributes; a state dict's `_metadata` holds module versions. None is needed.
        pop();
        if (!takesAttributes(stack.top(place))) throw malformed("BUILD on no dict", place);
        break;
      default:
        throw malformed(`opcode 0x${opcode.toString(16)}, which torch does not write for weights`, place);
    }
  }
}

function append(item: PickleValue, list: PickleValue, place: PicklePlace): void {
  if (list === opaque) return;
  if (typeof list !== "object" || list?.kind !== "list") throw malformed("APPEND to no list", place);
  list.items.push(item);
}

function setItems(items: readonly PickleValue[], dict: PickleValue, place: PicklePlace): void {
  if (dict === opaque) return;
  if (!isDict(dict) || items.length % 2 !== 0) {
    throw malformed("SETITEM on no dict", place);
  }
  for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i] ?? null, items[i + 1] ?? null);
}

function takesAttributes(value: PickleValue): boolean {
  return value === opaque || isDict(value) || isTensor(value);
}

/** One key is one run of bytes: what says otherwise would lead a reader beyond its end. */
function keepStorage(
  storage: StorageReference,
  storages: Map<string, StorageReference>,
  place: PicklePlace,
): void {
  const known = storages.get(storage.key);
  if (known === undefined) {
    if (storages.size === maxStorages) {
      throw tooMuch("it names too many storages", `more than ${maxStorages}`, place);
    }
    storages.set(storage.key, storage);
    return;
  }
  if (known.elements !== storage.elements || known.elementType !== storage.elementType) {
    throw malformed(`two sizes of storage ${storage.key.slice(0, 50)}`, place);
  }
}
