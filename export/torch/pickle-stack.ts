import { malformed, type PicklePlace } from "./pickle-errors.ts";
import type { PickleValue } from "./pickle-values.ts";

/** The stack and the memo of a pickle that is being read; what takes from an empty one is refused. */
export interface PickleStack {
  push(value: PickleValue): void;
  pop(place: PicklePlace): PickleValue;
  top(place: PicklePlace): PickleValue;
  mark(): void;
  /** What was pushed since the last mark; the mark goes, too. */
  popToMark(place: PicklePlace): PickleValue[];
  /** POP takes a mark as well as a value. */
  drop(): void;
  /** Keeps the top under a number, or under the next free one. */
  remember(index: number | undefined, place: PicklePlace): void;
  recall(index: number, place: PicklePlace): void;
}

const markItem = Symbol("mark");

export function pickleStack(): PickleStack {
  const items: (PickleValue | typeof markItem)[] = [];
  const memo = new Map<number, PickleValue>();
  const value = (item: PickleValue | typeof markItem | undefined, place: PicklePlace): PickleValue => {
    if (item === undefined || item === markItem) throw malformed("an empty stack", place);
    return item;
  };
  return {
    push: (item) => void items.push(item),
    pop: (place) => value(items.pop(), place),
    top: (place) => value(items.at(-1), place),
    mark: () => void items.push(markItem),
    drop: () => void items.pop(),
    popToMark(place) {
      const from = items.lastIndexOf(markItem);
      if (from === -1) throw malformed("no mark on the stack", place);
      return (items.splice(from) as PickleValue[]).slice(1);
    },
    remember(index, place) {
      memo.set(index ?? memo.size, value(items.at(-1), place));
    },
    recall(index, place) {
      const known = memo.get(index);
      if (known === undefined) throw malformed(`memo ${index} was never written`, place);
      items.push(known);
    },
  };
}
