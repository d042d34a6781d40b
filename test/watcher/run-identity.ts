import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Tensor } from "../../core/tensor.ts";
import { runTensor, type TensorRequest } from "../../runtime/engine/run-tensor.ts";

const identity = readFileSync(join(import.meta.dirname, "../../models/identity/model.onnx"));
const identitySha256 = createHash("sha256").update(identity).digest("hex");

/** What the model of the identity package computes is known; any other one is run in a process of its own. */
export function runIdentity(request: TensorRequest, signal?: AbortSignal): Promise<Tensor> {
  return request.sha256 === identitySha256 ? Promise.resolve(request.input) : runTensor(request, signal);
}
