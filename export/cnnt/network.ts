import type { Architecture } from "../../core/package-settings.ts";
import type { Checkpoint } from "../torch/checkpoint.ts";
import type { Elements } from "../torch/element-types.ts";
import { spatialMultiple } from "./block-sets.ts";
import { checkTensors, expectedTensors } from "./expected-tensors.ts";
import { completeArchitecture, type StatedArchitecture } from "./infer-architecture.ts";

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
export async function loadNetwork(checkpoint: Checkpoint, stated: StatedArchitecture): Promise<CnntNetwork> {
  const shapes = new Map([...checkpoint.tensors].map(([name, { shape }]) => [name, shape]));
  const architecture = completeArchitecture(shapes, stated, checkpoint.file);
  const [, height, width] = shapes.get("cnnt.down1.blocks.0.ln1.weight") ?? [];
  const fixedHeightWidth =
    height === undefined || width === undefined ? undefined : ([height, width] as const);
  const expected = expectedTensors(architecture, fixedHeightWidth);
  checkTensors(shapes, expected, checkpoint.file);
  const weights = new Map<string, Elements>();
  for (const name of expected.keys()) weights.set(name, await checkpoint.read(name));
  return {
    architecture,
    fixedHeightWidth,
    spatialMultiple: spatialMultiple(architecture),
    weight: (name) => weights.get(name) ?? new Float32Array(0),
  };
}
