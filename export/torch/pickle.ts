import { reduce, resolveGlobal } from "./pickle-globals.ts";
import {
  costlySteps,
  malformed,
  maxStorages,
  type PicklePlace,
  stepCounter,
  tooMuch,
} from "./pickle-limits.ts";
import { pickleBytes, pickleStack } from "./pickle-machine.ts";
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

const stop = 0x2e;

export function readPickle(buffer: Buffer, file: string, start = 0): PickleResult {
  const bytes = pickleBytes(buffer, file, start);
  const stack = pickleStack();
  const spend = stepCounter();
  const storages = new Map<string, StorageReference>();
  let place: PicklePlace = { file, offset: start };
  const { push } = stack;
  const pop = (): PickleValue => stack.pop(place);
  const top = (): PickleValue => stack.top(place);
  const popToMark = (): PickleValue[] => stack.popToMark(place);
  const tuple = (items: readonly PickleValue[]): void => push({ kind: "tuple", items });
  const integer = (length: number): void => push(bytes.integer(length));
  const text = (length: number): void => push(bytes.text(length));
  const skipped = (length: number): void => {
    bytes.take(length);
    push(opaque);
  };
  const frozenSet = (): void => {
    popToMark();
    push(opaque);
  };
  const appendAll = (): void => {
    const [items, list] = [popToMark(), top()];
    for (const item of items) append(item, list, place);
  };
  const stackGlobal = (): void => {
    const [name, module] = [pop(), pop()];
    if (typeof name !== "string" || typeof module !== "string")
      throw malformed("a name that is not text", place);
    push(resolveGlobal(module, name, place));
  };
  const persistent = (): void => {
    const storage = storageOf(pop(), place);
    keepStorage(storage, storages, place);
    push(storage);
  };
  const build = (): void => {
    const args = pop();
    push(reduce(pop(), args, place, spend));
  };
  const buildWithKeywords = (): void => {
    pop();
    build();
  };
  /** A state dict's `_metadata` holds module versions. None is needed. */
  const dropAttributes = (): void => {
    pop();
    const owner = top();
    if (owner !== opaque && !isDict(owner) && !isTensor(owner)) throw malformed("BUILD on no dict", place);
  };

  const actions = new Map<number, () => void>([
    [0x80, () => refuseNewer(bytes.length(1), place)], // PROTO
    [0x95, () => void bytes.take(8)], // FRAME
    [0x28, stack.mark], // MARK
    [0x30, stack.drop], // POP
    [0x31, popToMark], // POP_MARK
    [0x32, () => push(top())], // DUP
    [0x4e, () => push(null)], // NONE
    [0x88, () => push(true)], // NEWTRUE
    [0x89, () => push(false)], // NEWFALSE
    [0x4b, () => push(bytes.take(1).readUInt8())], // BININT1
    [0x4d, () => push(bytes.take(2).readUInt16LE())], // BININT2
    [0x4a, () => push(bytes.take(4).readInt32LE())], // BININT
    [0x8a, () => integer(bytes.length(1))], // LONG1
    [0x8b, () => integer(bytes.length(4))], // LONG4
    [0x47, () => push(bytes.take(8).readDoubleBE())], // BINFLOAT
    [0x8c, () => text(bytes.length(1))], // SHORT_BINUNICODE
    [0x55, () => text(bytes.length(1))], // SHORT_BINSTRING
    [0x58, () => text(bytes.length(4))], // BINUNICODE
    [0x54, () => text(bytes.length(4))], // BINSTRING
    [0x8d, () => text(bytes.length(8))], // BINUNICODE8
    [0x43, () => skipped(bytes.length(1))], // SHORT_BINBYTES
    [0x42, () => skipped(bytes.length(4))], // BINBYTES
    [0x8e, () => skipped(bytes.length(8))], // BINBYTES8
    [0x96, () => skipped(bytes.length(8))], // BYTEARRAY8
    [0x5d, () => push({ kind: "list", items: [] })], // EMPTY_LIST
    [0x6c, () => push({ kind: "list", items: popToMark() })], // LIST
    [0x29, () => tuple([])], // EMPTY_TUPLE
    [0x74, () => tuple(popToMark())], // TUPLE
    [0x85, () => tuple([pop()])], // TUPLE1
    [0x86, () => tuple([pop(), pop()].reverse())], // TUPLE2
    [0x87, () => tuple([pop(), pop(), pop()].reverse())], // TUPLE3
    [0x7d, () => push({ kind: "dict", entries: new Map() })], // EMPTY_DICT
    [0x8f, () => push(opaque)], // EMPTY_SET
    [0x91, frozenSet], // FROZENSET
    [0x61, () => append(pop(), top(), place)], // APPEND
    [0x65, appendAll], // APPENDS
    [0x90, appendAll], // ADDITEMS
    [0x73, () => setItems([pop(), pop()].reverse(), top(), place)], // SETITEM
    [0x75, () => setItems(popToMark(), top(), place)], // SETITEMS
    [0x71, () => stack.remember(bytes.length(1), place)], // BINPUT
    [0x72, () => stack.remember(bytes.length(4), place)], // LONG_BINPUT
    [0x94, () => stack.remember(undefined, place)], // MEMOIZE
    [0x68, () => stack.recall(bytes.length(1), place)], // BINGET
    [0x6a, () => stack.recall(bytes.length(4), place)], // LONG_BINGET
    [0x63, () => push(resolveGlobal(bytes.line(), bytes.line(), place))], // GLOBAL
    [0x93, stackGlobal], // STACK_GLOBAL
    [0x51, persistent], // BINPERSID
    [0x52, build], // REDUCE
    [0x81, build], // NEWOBJ
    [0x92, buildWithKeywords], // NEWOBJ_EX
    [0x62, dropAttributes], // BUILD
  ]);
  for (;;) {
    place = { file, offset: bytes.offset };
    const opcode = bytes.take(1).readUInt8();
    spend(costly.has(opcode) ? costlySteps : 1, place);
    if (opcode === stop) return { value: pop(), storages, end: bytes.offset };
    const act = actions.get(opcode);
    if (act === undefined)
      throw malformed(`opcode 0x${opcode.toString(16)}, which torch does not write for weights`, place);
    act();
  }
}

function refuseNewer(protocol: number, place: PicklePlace): void {
  if (protocol > 5) throw malformed("a protocol newer than 5", place);
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
