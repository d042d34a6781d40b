import { unsupportedError } from "../../core/errors.ts";
import {
  isDict,
  isTensor,
  itemsOf,
  type PickleValue,
  type StorageReference,
  type TensorReference,
} from "./pickle-values.ts";

/** A dict in what a training script saved that holds tensors by name; which of them are weights is not known here. */
export interface TensorDict {
  /** The keys that lead to it, joined by / (`model`, `state/ema`); `outermost` for the file's own dict. */
  readonly place: string;
  /** By name, as they stand in the dict. */
  readonly tensors: ReadonlyMap<string, TensorReference>;
}

/** As the place of the dict that is the whole file. */
export const outermost = ".";

const maxNesting = 4;
/** Names of modules joined by points; longer ones are nobody's. */
const maxKeyLength = 512;
/** Dicts, lists and tuples that are looked into; an optimizer has one for each weight. */
const maxContainers = 50_000;

/**
 * Every dict with named tensors, outer ones first. A dict that is at two places is found once. Throws `EdgeError`
 * (`unsupported`) where there is none.
 */
export function tensorDictsIn(root: PickleValue, file: string): TensorDict[] {
  const dicts: TensorDict[] = [];
  const seen = new Set<PickleValue>([root]);
  let level: [place: string, value: PickleValue][] = [[outermost, root]];
  for (let nesting = 0; nesting < maxNesting; nesting += 1) {
    const inner: typeof level = [];
    for (const [place, value] of level) {
      const tensors = new Map<string, TensorReference>();
      for (const [key, item] of entriesOf(value)) {
        if (key.length > maxKeyLength) throw longKey(key, file);
        if (isTensor(item)) tensors.set(key, item);
        else if (isContainer(item) && !seen.has(item) && seen.size < maxContainers) {
          seen.add(item);
          inner.push([place === outermost ? key : `${place}/${key}`, item]);
        }
      }
      if (isDict(value) && tensors.size > 0) dicts.push({ place, tensors });
    }
    level = inner;
  }
  if (dicts.length > 0) return dicts;
  const keys = isDict(root) ? entriesOf(root).map(([key]) => key) : [];
  throw unsupportedError("no weights were found in the checkpoint", {
    code: "checkpoint-no-state-dict",
    file,
    found: isDict(root) ? `a dict with ${keys.slice(0, 8).join(", ") || "no keys"}` : "no dict",
    allowed: `a state dict, also inside other dicts (at most ${maxNesting} deep)`,
    remedy: "Save the weights with torch.save(model.state_dict(), path)",
  });
}

/** A dict's entries whose keys are text or numbers; a list's by position. */
function entriesOf(value: PickleValue): [key: string, item: PickleValue][] {
  if (!isDict(value)) return (itemsOf(value) ?? []).map((item, index) => [String(index), item]);
  const entries: [string, PickleValue][] = [];
  for (const [key, item] of value.entries) {
    if (typeof key === "string" || typeof key === "number") entries.push([String(key), item]);
  }
  return entries;
}

function isContainer(value: PickleValue): boolean {
  return isDict(value) || itemsOf(value) !== undefined;
}

function longKey(key: string, file: string) {
  return unsupportedError("a name in the checkpoint is longer than any tensor's", {
    code: "checkpoint-name-long",
    file,
    found: `${key.length} characters, ${key.slice(0, 40)}…`,
    allowed: `at most ${maxKeyLength}`,
    remedy: "Save the weights with torch.save(model.state_dict(), path)",
  });
}

/** What each file format gives: which tensors there are, and the bytes of a storage when asked. */
export interface StoredTensors {
  /** At least one. */
  readonly dicts: readonly TensorDict[];
  /**
   * The bytes of `count` elements of a storage from `first` on, within it; little-endian. Only these are read: many
   * tensors may share one large storage. `tensorName` is for the message when it is cut.
   */
  readElements(
    storage: StorageReference,
    range: { readonly first: number; readonly count: number },
    tensorName: string,
  ): Promise<Buffer>;
}
