import type { Architecture } from "../../core/package-settings.ts";
import { type Checkpoint, refuseUnfounded } from "../torch/checkpoint.ts";
import type { Elements } from "../torch/element-types.ts";
import { spatialMultiple } from "./block-sets.ts";
import { chooseWeights } from "./choose-weights.ts";
import { checkTensors, expectedTensors } from "./expected-tensors.ts";
import { completeArchitecture, fixedHeightWidthOf, type ToldArchitecture } from "./infer-architecture.ts";
import { refuseUnusableValues } from "./weight-values.ts";

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
