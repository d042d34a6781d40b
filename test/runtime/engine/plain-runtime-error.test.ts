import assert from "node:assert/strict";
import { test } from "node:test";
import { plainRuntimeError } from "../../../runtime/engine/plain-runtime-error.ts";

test("places in the runtime's sources are left out, its words stay", () => {
  const webgpu =
    "/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const " +
    "onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> adapter_result.status == wgpu::RequestAdapterStatus::Success was false. " +
    "Failed to get a WebGPU adapter: No supported adapters";
  assert.equal(plainRuntimeError(webgpu), "Failed to get a WebGPU adapter: No supported adapters");
  assert.equal(
    plainRuntimeError("Got invalid dimensions\n for input: x"),
    "Got invalid dimensions for input: x",
  );
  assert.equal(plainRuntimeError("x".repeat(1000)).length, 400);
});
