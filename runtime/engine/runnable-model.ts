import type { ModelPackage } from "../../core/package-settings.ts";

/** What a session of the ONNX Runtime is made of. */
export interface RunnableModel {
  readonly modelFile: string;
  /**
   * Of the file's bytes (hex): no others are loaded. Absent where the file is not what the package's hash is of: the
   * stand-in of a TensorRT engine, or a graph that was made for a measurement.
   */
  readonly sha256?: string;
  readonly inputName: string;
  readonly outputName: string;
}

export function runnableModel(model: ModelPackage): RunnableModel {
  const { modelFile, modelSha256, inputName, outputName, preparedEngine } = model;
  const names = { modelFile, inputName, outputName };
  return preparedEngine ? names : { ...names, sha256: modelSha256 };
}
