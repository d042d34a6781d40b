import { unsupportedError } from "../../core/errors.ts";
import {
  isDict,
  isTensor,
  type PickleDict,
  type PickleValue,
  type TensorReference,
} from "./pickle-values.ts";

/**
 * Finds the weights in what a training script saved: the state dict itself, or a dict that wraps it, and removes what
 * wrappers put before the names (`module.` by DataParallel, `_orig_mod.` by torch.compile).
 */

const wrappers = [
  "model_state_dict",
  "state_dict",
  "model_state",
  "model",
  "net",
  "network",
  "weights",
  "ema",
];
const prefixes = ["module.", "_orig_mod.", "model.", "net."];
const maxNesting = 4;

export function stateDictOf(root: PickleValue, file: string): Map<string, TensorReference> {
  const tensors = isDict(root) ? weightsIn(root, maxNesting) : undefined;
  if (tensors !== undefined) return withoutPrefixes(tensors);
  throw unsupportedError("no weights are to be found in the checkpoint", {
    code: "checkpoint-no-state-dict",
    file,
    found: isDict(root) ? `a dict with ${keysOf(root).slice(0, 8).join(", ") || "no keys"}` : "no dict",
    allowed: `a state dict, also inside ${wrappers.slice(0, 4).join(", ")}`,
    remedy: "Save the weights with torch.save(model.state_dict(), path)",
  });
}

/** Wrapped weights come first: beside them may lie a loss, a step or a learning rate, which are tensors, too. */
function weightsIn(dict: PickleDict, nesting: number): Map<string, TensorReference> | undefined {
  for (const wrapper of wrappers) {
    const inner = dict.entries.get(wrapper);
    const wrapped = isDict(inner) && nesting > 1 ? weightsIn(inner, nesting - 1) : undefined;
    if (wrapped !== undefined) return wrapped;
  }
  const own = tensorsIn(dict);
  return own.size > 0 ? own : undefined;
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
