import { type EdgeError, formatError, machineError } from "../../core/errors.ts";
import type { ProviderName } from "../machine/providers.ts";

/**
 * What the ONNX Runtime's errors mean. They carry no code, so their text decides; the text names the node where the
 * runtime knows it.
 */
export function runtimeError(error: unknown, modelFile: string, provider: ProviderName): EdgeError {
  const text = error instanceof Error ? error.message : String(error);
  const found = text.length > 600 ? `${text.slice(0, 600)}…` : text;
  if (/failed to allocate memory|out of memory|bad_alloc|cudaErrorMemoryAllocation/i.test(text)) {
    return machineError("the network found too little memory for one tile", {
      code: "network-memory",
      file: modelFile,
      at: `provider ${provider}`,
      found,
      remedy: "Choose a smaller tile with --tile, or free memory on this machine",
      cause: error,
    });
  }
  if (
    /load model|protobuf|invalid model|invalid_graph|unsupported model|opset|Failed to load model/i.test(text)
  ) {
    return formatError("ONNX Runtime refuses the model", {
      code: "network-model-refused",
      file: modelFile,
      found,
      remedy: "Export the checkpoint again, then run `cnnt-edge verify` on the package",
      cause: error,
    });
  }
  return machineError("the network failed", {
    code: "network-failed",
    file: modelFile,
    at: `provider ${provider}`,
    found,
    remedy: "Run `cnnt-edge doctor`, or try --provider cpu",
    cause: error,
  });
}
