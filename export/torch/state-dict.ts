import { unsupportedError, usageError } from "../../core/errors.ts";
import {
  isDict,
  isTensor,
  type PickleDict,
  type PickleValue,
  type TensorReference,
} from "./pickle-values.ts";

/**
 * Finds the weights in what a training script saved: the state dict itself, or one inside dicts that wrap it, and
 * removes what wrappers put before the names (`module.` by DataParallel, `_orig_mod.` by torch.compile).
 */

const prefixes = ["module.", "_orig_mod.", "model.", "net."];
const maxNesting = 4;
/** As the place of a state dict that is the file's outermost dict. */
const outermost = ".";

/** `place` chooses one of several networks in a checkpoint: the keys to its dict, joined by / (`model`, `state/ema`). */
export function stateDictOf(root: PickleValue, file: string, place?: string): Map<string, TensorReference> {
  const found = isDict(root) ? networksIn(root) : new Map<string, PickleDict>();
  const [only, second] = found.values();
  if (place !== undefined) {
    const chosen = found.get(place);
    if (chosen !== undefined) return withoutPrefixes(tensorsIn(chosen));
    throw usageError("no weights are at that place in the checkpoint", {
      code: "checkpoint-state-dict-place",
      file,
      found: place,
      allowed: [...found.keys()].join(", ") || "nothing: it holds no weights",
    });
  }
  if (only === undefined) {
    throw unsupportedError("no weights are to be found in the checkpoint", {
      code: "checkpoint-no-state-dict",
      file,
      found: isDict(root) ? `a dict with ${keysOf(root).slice(0, 8).join(", ") || "no keys"}` : "no dict",
      allowed: `a state dict, also inside other dicts (at most ${maxNesting} deep)`,
      remedy: "Save the weights with torch.save(model.state_dict(), path)",
    });
  }
  if (second !== undefined) {
    throw usageError("the checkpoint holds the weights of more than one network", {
      code: "checkpoint-state-dicts",
      file,
      found: [...found].map(([at, dict]) => `${at} (${tensorsIn(dict).size} tensors)`).join(", "),
      remedy: `Choose with --state-dict, for example --state-dict ${found.keys().next().value}`,
    });
  }
  return withoutPrefixes(tensorsIn(only));
}

/**
 * Every dict that holds a network's weights, by its place, outer ones first. Beside them may lie a loss, a step, a
 * learning rate or an optimizer's moments, which are tensors, too: a network's have names that end in `.weight`.
 * A dict that is at two places is found once.
 */
function networksIn(root: PickleDict): Map<string, PickleDict> {
  const networks = new Map<string, PickleDict>();
  const seen = new Set<PickleDict>([root]);
  let level: [place: string, dict: PickleDict][] = [[outermost, root]];
  for (let nesting = 0; nesting < maxNesting; nesting += 1) {
    const inner: typeof level = [];
    for (const [place, dict] of level) {
      if (isNetwork(dict)) networks.set(place, dict);
      for (const [key, value] of dict.entries) {
        if (typeof key !== "string" || !isDict(value) || seen.has(value)) continue;
        seen.add(value);
        inner.push([place === outermost ? key : `${place}/${key}`, value]);
      }
    }
    level = inner;
  }
  return networks;
}

function isNetwork(dict: PickleDict): boolean {
  for (const [key, value] of dict.entries) {
    if (typeof key === "string" && key.endsWith(".weight") && isTensor(value)) return true;
  }
  return false;
}

function tensorsIn(dict: PickleDict): Map<string, TensorReference> {
  const tensors = new Map<string, TensorReference>();
  for (const [key, value] of dict.entries) {
    if (typeof key === "string" && isTensor(value)) tensors.set(key, value);
  }
  return tensors;
}

/** Takes off a prefix as long as every name has it. */
export function withoutPrefixes(tensors: Map<string, TensorReference>): Map<string, TensorReference> {
  const names = [...tensors.keys()];
  const prefix = prefixes.find((candidate) => names.every((name) => name.startsWith(candidate)));
  if (prefix === undefined) return tensors;
  return withoutPrefixes(new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor])));
}

function keysOf(dict: PickleDict): string[] {
  return [...dict.entries.keys()].filter((key) => typeof key === "string");
}
