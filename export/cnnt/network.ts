import { formatError } from "../../core/errors.ts";
import type { Architecture } from "../../core/package-settings.ts";
import { type Checkpoint, refuseUnfounded } from "../torch/checkpoint.ts";
import type { Elements } from "../torch/element-types.ts";
import { spatialMultiple } from "./block-sets.ts";
import { chooseWeights } from "./choose-weights.ts";
import { checkTensors, expectedTensors } from "./expected-tensors.ts";
import { completeArchitecture, fixedHeightWidthOf, type ToldArchitecture } from "./infer-architecture.ts";

/** A CNNT with its weights in memory: what the reference forward pass and the ONNX graph are made from. */
export interface CnntNetwork {
  readonly architecture: Architecture;
  /** Height and width of training, where `layer` norm ties the network to them. */
  readonly fixedHeightWidth: readonly [number, number] | undefined;
  readonly spatialMultiple: number;
  /** Every weight by the checkpoint's name, C order. Throws nothing: all names were checked. */
  readonly weight: (name: string) => Elements;
}

/**
 * Reads the weights of a checkpoint, after checking that they are those of one CNNT and of which.
 * Throws `EdgeError` naming the option that is missing, or the tensor that does not fit.
 */
export async function loadNetwork(
  checkpoint: Checkpoint,
  told: ToldArchitecture,
  chosen = chooseWeights(checkpoint),
): Promise<CnntNetwork> {
  const { file } = checkpoint;
  const shapes = new Map([...chosen.tensors].map(([name, { shape }]) => [name, shape]));
  const architecture = completeArchitecture(shapes, told, file);
  const fixedHeightWidth = fixedHeightWidthOf(shapes);
  const expected = expectedTensors(architecture, fixedHeightWidth);
  checkTensors(shapes, expected, file);
  const tensors = new Map([...chosen.tensors].filter(([name]) => expected.has(name)));
  refuseUnfounded(tensors, file);
  const weights = new Map<string, Elements>();
  for (const [name, tensor] of tensors) weights.set(name, await checkpoint.read(tensor, name));
  refuseUnusableValues(weights, file);
  return {
    architecture,
    fixedHeightWidth,
    spatialMultiple: spatialMultiple(architecture),
    weight: (name) => weights.get(name) ?? new Float32Array(0),
  };
}

/**
 * Refuses weights that cannot denoise: values that are no numbers (a training that diverged), or convolutions whose
 * weights are all zero (a network that was never filled). Biases and norms may be zero.
 */
function refuseUnusableValues(weights: ReadonlyMap<string, Elements>, file: string): void {
  const odd = [...weights].map(([name, elements]) => ({ name, ...oddValues(elements) }));
  const broken = odd.filter(({ nan, infinite }) => nan + infinite > 0);
  const [first] = broken;
  if (first !== undefined) {
    const sum = (kind: "nan" | "infinite"): number =>
      broken.reduce((total, tensor) => total + tensor[kind], 0);
    const counts = [
      [sum("nan"), "NaN"],
      [sum("infinite"), "infinite"],
    ] as const;
    throw formatError("the weights hold values that are not numbers: this training diverged", {
      code: "cnnt-weights-not-finite",
      file,
      at: first.name,
      found: `${counts
        .filter(([count]) => count > 0)
        .map(([count, kind]) => `${count} ${kind}`)
        .join(" and ")} in ${broken.length} of ${weights.size} tensors`,
      allowed: "finite numbers",
      remedy: "Take an earlier checkpoint of this training, or train again at a lower learning rate",
    });
  }
  const empty = odd.filter(({ name, zero }) => zero && name.endsWith(".conv2d.weight"));
  const [zero] = empty;
  if (zero === undefined) return;
  throw formatError("the weights of a convolution are all zero, so nothing passes through it", {
    code: "cnnt-weights-zero",
    file,
    at: zero.name,
    found: `${empty.length} of the network's convolutions are all zero`,
    remedy: "Export a checkpoint that training has filled",
  });
}

/** As the graph will hold them, in single precision: what overflows there is infinite. */
function oddValues(elements: Elements) {
  let nan = 0;
  let infinite = 0;
  let zero = true;
  for (const value of elements) {
    const single = Math.fround(value);
    if (Number.isNaN(single)) nan += 1;
    else if (!Number.isFinite(single)) infinite += 1;
    if (single !== 0) zero = false;
  }
  return { nan, infinite, zero };
}
