import { readFile } from "node:fs/promises";
import { unsupportedError } from "../core/errors.ts";

/**
 * TensorRT runs only models that stand for a finished engine (a node `EPContext`). From any other it builds one first:
 * for minutes, in silence, and again at each start, because the binding passes it no cache option.
 * Throws `EdgeError` (`unsupported`, `tensorrt-not-prepared`).
 */
export async function requirePreparedEngine(modelFile: string): Promise<void> {
  if ((await readFile(modelFile)).includes("EPContext")) return;
  throw unsupportedError("TensorRT would build an engine from this model at every start, for minutes", {
    code: "tensorrt-not-prepared",
    file: modelFile,
    remedy: "Use --provider cuda (docs/gpu.md)",
  });
}
