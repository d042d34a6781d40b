import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { isEdgeError } from "../../../core/errors.ts";
import { chooseProvider } from "../../../runtime/engine/choose-provider.ts";
import { runLimits } from "../../../runtime/engine/run-limits.ts";
import { runTensor } from "../../../runtime/engine/run-tensor.ts";

const fixtures = resolve(import.meta.dirname, "../../fixtures");
const scratch = mkdtempSync(join(tmpdir(), "run-limits-"));
after(() => rmSync(scratch, { recursive: true }));

const input = { shape: [1, 1, 24, 32], data: new Float32Array(24 * 32) };

function requestOf(name: string) {
  const modelFile = join(fixtures, "endless", name);
  return { modelFile, inputName: "in.1", outputName: "out.2", provider: "cpu", input };
}

const gib = 2 ** 30;

test("a model that never ends is killed when its time is over, and called by name", async () => {
  const limits = { timeoutMs: 3000, memoryBytes: gib };
  await assert.rejects(runTensor(requestOf("loop.onnx"), undefined, limits), (error) => {
    assert.ok(isEdgeError(error, "model-timeout"), `${error}`);
    assert.equal(error.found, "no answer after 3 s");
    return true;
  });
});

test("a model that takes gigabytes for a small image is killed on its way, and called by name", {
  skip: process.platform === "linux" ? false : "memory is looked at on Linux only",
}, async () => {
  await assert.rejects(runTensor(requestOf("memory.onnx")), (error) => {
    assert.ok(isEdgeError(error, "model-memory"), `${error}`);
    assert.match(error.found ?? "", /^more than 0\.[56] GiB$/);
    return true;
  });
});

test("an engine does not begin with a foreign model that takes gigabytes, on the CPU neither", {
  skip: process.platform === "linux" ? false : "memory is looked at on Linux only",
}, async () => {
  const dir = join(scratch, "package");
  cpSync(join(fixtures, "zoo/planes-05"), dir, { recursive: true });
  const model = readFileSync(join(fixtures, "endless/memory.onnx"));
  writeFileSync(join(dir, "weights.onnx"), model);
  const rdf = parse(readFileSync(join(dir, "rdf.yaml"), "utf8")) as {
    weights: { onnx: { sha256: string } };
  };
  rdf.weights.onnx.sha256 = createHash("sha256").update(model).digest("hex");
  writeFileSync(join(dir, "rdf.yaml"), stringify(rdf));
  await assert.rejects(
    chooseProvider({ providers: ["cpu"], models: [resolve(fixtures, "../../models/identity"), dir] }),
    (error) => isEdgeError(error, "model-memory"),
  );
});

test("limits grow with the input and the model, never beyond 15 minutes and what is free", () => {
  const some = fc.record({
    voxels: fc.integer({ min: 1, max: 2 ** 24 }),
    modelBytes: fc.integer({ min: 100, max: 2 ** 31 }),
    provider: fc.constantFrom("cpu", "cuda"),
    freeBytes: fc.integer({ min: 2 ** 28, max: 2 ** 40 }),
  });
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 10 }), (of, times) => {
      const limits = runLimits(of);
      const larger = runLimits({ ...of, voxels: of.voxels * times, modelBytes: of.modelBytes * times });
      assert.ok(limits.memoryBytes <= of.freeBytes && larger.memoryBytes >= limits.memoryBytes);
      assert.ok(larger.timeoutMs >= limits.timeoutMs && larger.timeoutMs <= 15 * 60_000);
    }),
  );
});
