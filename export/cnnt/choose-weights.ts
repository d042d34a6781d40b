import { isEdgeError, usageError } from "../../core/errors.ts";
import type { Checkpoint } from "../torch/checkpoint.ts";
import type { TensorReference } from "../torch/pickle-values.ts";
import { outermost, type TensorDict } from "../torch/tensor-dicts.ts";
import { checkTensors, expectedTensors } from "./expected-tensors.ts";
import { fixedHeightWidthOf, notCnnt, visibleArchitecture } from "./infer-architecture.ts";

/**
 * Finds the weights of the CNNT in what a training script saved. They may lie in dicts inside dicts, beside an
 * optimizer, an average of the weights or another network, and under any prefix: `module.` (DataParallel, SWA),
 * `_orig_mod.` (torch.compile), `model.` or the name that a LightningModule gave its network. What is beside them
 * under other names (a loss's weights, a metric's counts, `n_averaged`) is left out and told.
 */

export interface ChosenWeights {
  /** What `--state-dict` takes to choose them: keys joined by /, the last one perhaps a prefix; "." for the whole file. */
  readonly place: string;
  /** What stands before each name in the file; taken off. */
  readonly prefix: string;
  /** By the names that the published code gives them. */
  readonly tensors: ReadonlyMap<string, TensorReference>;
  /** Names of the tensors beside them in the same dict, as they stand in the file. */
  readonly leftOut: readonly string[];
}

/** A tensor that each CNNT has and no other network. */
const marker = "pre_cnnt.0.conv2d.weight";
const ofNetwork = /^(?:pre_cnnt|cnnt|pos_cnnt)\./;
/** So many are named in a message. */
const maxNamed = 12;

/** `place` chooses one of several. Throws `EdgeError` where there is none, or where several fit and none was chosen. */
export function chooseWeights(checkpoint: Checkpoint, place?: string): ChosenWeights {
  const { file, dicts } = checkpoint;
  const found = dicts.flatMap(candidatesIn);
  if (place !== undefined) {
    const chosen = found.find((candidate) => candidate.place === place);
    if (chosen !== undefined) return chosen;
    throw usageError("the checkpoint has no weights at that place", {
      code: "checkpoint-state-dict-place",
      file,
      found: place,
      allowed: named(found.map((candidate) => candidate.place)) || "nothing: it holds no weights of a CNNT",
    });
  }
  const [only, second] = found;
  if (only === undefined) throw notCnnt(contentsOf(dicts), file);
  if (second === undefined) return only;
  const fitting = found.filter((candidate) => fits(candidate, file));
  const [fit, another] = fitting;
  if (fit !== undefined && another === undefined) return fit;
  const open = fitting.length > 0 ? fitting : found;
  throw usageError("the checkpoint holds the weights of more than one network", {
    code: "checkpoint-state-dicts",
    file,
    found: named(open.map((candidate) => `${candidate.place} (${candidate.tensors.size} tensors)`)),
    remedy: `Choose with ${named(
      open.map((candidate) => `--state-dict ${candidate.place}`),
      " or ",
    )}`,
  });
}

/** What was taken and what was left, as one sentence; undefined where the file holds nothing but the weights. */
export function tellChoice({ place, prefix, tensors, leftOut }: ChosenWeights): string | undefined {
  if (place === outermost && prefix === "" && leftOut.length === 0) return undefined;
  const where = place === outermost ? "the file's own dict" : `"${place}"`;
  const without = prefix === "" ? "" : ` without the prefix "${prefix}"`;
  const beside =
    leftOut.length === 0 ? "" : `; left out, because no CNNT has them: ${named(leftOut.slice(0, maxNamed))}`;
  const more = leftOut.length > maxNamed ? ` and ${leftOut.length - maxNamed} more` : "";
  return `weights: ${tensors.size} tensors of ${where}${without}${beside}${more}`;
}

/** A dict has one for each prefix under which the marker stands. */
function candidatesIn(dict: TensorDict): ChosenWeights[] {
  const found = new Map<string, Map<string, TensorReference>>();
  for (const name of dict.tensors.keys()) {
    const prefix = name.slice(0, -marker.length);
    if (name.endsWith(marker) && (prefix === "" || prefix.endsWith("."))) found.set(prefix, new Map());
  }
  if (found.size === 0) return [];
  const leftOut: string[] = [];
  for (const [name, tensor] of dict.tensors) {
    const owners = prefixesOf(name).filter(
      (prefix) => found.has(prefix) && ofNetwork.test(name.slice(prefix.length)),
    );
    for (const prefix of owners) found.get(prefix)?.set(name.slice(prefix.length), tensor);
    if (owners.length === 0) leftOut.push(name);
  }
  return [...found].map(([prefix, tensors]) => ({
    place: found.size === 1 ? dict.place : placeOf(dict.place, prefix),
    prefix,
    tensors,
    leftOut,
  }));
}

/** Nothing, and everything up to each point. */
function prefixesOf(name: string): string[] {
  const prefixes = [""];
  for (let at = name.indexOf("."); at !== -1; at = name.indexOf(".", at + 1)) {
    prefixes.push(name.slice(0, at + 1));
  }
  return prefixes;
}

function placeOf(dictPlace: string, prefix: string): string {
  const key = prefix.slice(0, -1);
  if (key === "") return dictPlace;
  return dictPlace === outermost ? key : `${dictPlace}/${key}`;
}

function fits({ tensors }: ChosenWeights, file: string): boolean {
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  try {
    const architecture = { ...visibleArchitecture(shapes, file), n_head: 1, no_residual: false };
    checkTensors(shapes, expectedTensors(architecture, fixedHeightWidthOf(shapes)), file);
    return true;
  } catch (error) {
    if (isEdgeError(error)) return false;
    throw error;
  }
}

function contentsOf(dicts: readonly TensorDict[]): string {
  const parts = dicts.map(({ place, tensors }) => {
    const where = place === outermost ? "the file's own dict" : place;
    return `${where} (${tensors.size} tensors, the first ${tensors.keys().next().value})`;
  });
  return `no ${marker} in ${named(parts)}`;
}

function named(names: readonly string[], separator = ", "): string {
  const more = names.length > maxNamed ? `${separator}…` : "";
  return names.slice(0, maxNamed).join(separator) + more;
}
