import type { Precision } from "../onnx/cnnt-graph.ts";
import type { OnnxModel } from "../onnx/messages.ts";

/**
 * A model of one node that stands for a finished TensorRT engine: ONNX Runtime loads the engine from the file beside
 * it instead of building one in silence at every start. Source: ONNX Runtime, "EP context design".
 */
export function epContextModel(options: {
  readonly engineFile: string;
  readonly inputName: string;
  readonly outputName: string;
  /** Depth, height, width. */
  readonly shape: readonly [number, number, number];
  readonly precision: Precision;
  readonly tensorRtVersion: string;
  readonly producerVersion: string;
}): OnnxModel {
  const [depth, height, width] = options.shape;
  const shape = [1, depth, 1, height, width];
  return {
    graphName: "cnnt-tensorrt",
    inputs: [{ name: options.inputName, type: "float32", shape }],
    outputs: [{ name: options.outputName, type: "float32", shape }],
    nodes: [
      {
        name: "engine",
        opType: "EPContext",
        domain: "com.microsoft",
        inputs: [options.inputName],
        outputs: [options.outputName],
        attributes: {
          main_context: 1,
          // 0: ep_cache_context is a path, relative to this model, and not the engine itself.
          embed_mode: 0,
          ep_cache_context: options.engineFile,
          ep_sdk_version: options.tensorRtVersion,
          source: "TensorrtExecutionProvider",
        },
      },
    ],
    initializers: [],
    producerName: "cnnt-edge",
    producerVersion: options.producerVersion,
  };
}
