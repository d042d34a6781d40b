import { createHash } from "node:crypto";

/**
 * What a TensorRT engine is tied to. An engine built for another GPU, driver, TensorRT, model, shape or precision
 * does not load, or loads and computes something else; so all of them are in the key it is kept under.
 */
export interface EngineFacts {
  readonly modelSha256: string;
  readonly tensorRtVersion: string;
  readonly gpu: string;
  readonly driver: string;
  /** Depth, height, width. */
  readonly shape: readonly [number, number, number];
  readonly precision: "fp32" | "fp16";
}

export function engineKey(facts: EngineFacts): string {
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
