import { createHash } from "node:crypto";
import { z } from "zod";
import { nvidiaGpus } from "./nvidia-gpus.ts";

const length = z.int().positive();

/**
 * What a TensorRT engine is tied to. An engine built for another GPU, driver, TensorRT, model, shape or precision
 * does not load, or loads and computes something else; so all of them are in the key it is kept under, in the folder
 * `tensorrt/` of a package, and lie beside it as `engine.json`.
 */
export const engineFactsSchema = z.strictObject({
  modelSha256: z.string(),
  /** As trtexec writes it: 101300 for 10.13.0. */
  tensorRtVersion: z.string(),
  gpu: z.string(),
  driver: z.string(),
  /** Depth, height, width. */
  shape: z.tuple([length, length, length]).readonly(),
  precision: z.enum(["fp32", "fp16"]),
});
export type PreparedEngineFacts = z.infer<typeof engineFactsSchema>;

/** Of a package's folder: where prepared engines lie, one folder for each key. */
export const enginesFolder = "tensorrt";
export const engineFactsName = "engine.json";
/** The model of one node that stands for the engine. */
export const contextModelName = "model.onnx";

export function engineKey(facts: PreparedEngineFacts): string {
  const words = [
    facts.modelSha256,
    facts.tensorRtVersion,
    facts.gpu,
    facts.driver,
    facts.shape.join("x"),
    facts.precision,
  ];
  return createHash("sha256").update(words.join("\n")).digest("hex").slice(0, 20);
}

/** Name and driver of the first GPU, as nvidia-smi tells them; undefined where it names none. */
export async function gpuFacts(): Promise<Pick<PreparedEngineFacts, "gpu" | "driver"> | undefined> {
  const [first] = await nvidiaGpus();
  return first === undefined ? undefined : { gpu: first.name, driver: first.driver };
}
