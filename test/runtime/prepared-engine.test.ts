import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { isEdgeError } from "../../core/errors.ts";
import { encodeModel } from "../../export/onnx/messages.ts";
import { epContextModel } from "../../export/tensorrt/ep-context-model.ts";
import { requirePreparedEngine } from "../../runtime/prepared-engine.ts";

const scratch = mkdtempSync(join(tmpdir(), "prepared-"));
after(() => rmSync(scratch, { recursive: true }));

test("TensorRT is refused for a model from which it would build an engine at every start", async () => {
  const ordinary = resolve(import.meta.dirname, "../../models/default/model.onnx");
  await assert.rejects(requirePreparedEngine(ordinary), (error) =>
    isEdgeError(error, "tensorrt-not-prepared"),
  );
});

test("TensorRT is not refused for a model that stands for a finished engine", async () => {
  const model = epContextModel({
    engineFile: "engine.plan",
    inputName: "input",
    outputName: "output",
    shape: [8, 64, 64],
    precision: "fp32",
    tensorRtVersion: "10",
    producerVersion: "0",
  });
  const file = join(scratch, "model.onnx");
  writeFileSync(file, Buffer.concat(encodeModel(model)));
  await requirePreparedEngine(file);
});
