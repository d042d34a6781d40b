/** The only way to the ONNX Runtime: its telemetry is off before its library is loaded. The order of the lines counts. */
import "./no-telemetry.ts";

export { InferenceSession, listSupportedBackends, Tensor } from "onnxruntime-node";
