import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import type { ModelPackage } from "../../../core/package-settings.ts";
import { encodeModel } from "../../../export/onnx/messages.ts";
import { engineKey, type PreparedEngineFacts } from "../../../export/package/engine-facts.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { epContextModel } from "../../../export/tensorrt/build-engine.ts";
import {
  type EngineMachine,
  readModel,
  withPreparedEngine,
} from "../../../runtime/engine/prepared-engine.ts";
import { versionInName } from "../../../runtime/gpu/tensorrt-version.ts";

const scratch = mkdtempSync(join(tmpdir(), "prepared-"));
after(() => rmSync(scratch, { recursive: true }));
const here: EngineMachine = { gpu: "NVIDIA H200", driver: "580.159", tensorRtVersion: "101300" };
const onThisMachine = (): Promise<EngineMachine> => Promise.resolve(here);

async function madePackage(...engines: Partial<PreparedEngineFacts>[]): Promise<ModelPackage> {
  const dir = mkdtempSync(join(scratch, "package-"));
  cpSync(resolve(import.meta.dirname, "../../../models/identity"), dir, { recursive: true });
  const model = await readPackage(dir);
  for (const changed of engines) {
    const facts: PreparedEngineFacts = {
      modelSha256: model.modelSha256,
      tensorRtVersion: "101300",
      gpu: "NVIDIA H200",
      driver: "580.159",
      shape: [8, 64, 64],
      precision: "fp32",
      ...changed,
    };
    putEngine(dir, engineKey(facts), JSON.stringify(facts));
  }
  return model;
}

function putEngine(dir: string, key: string, text: string): void {
  mkdirSync(join(dir, "tensorrt", key), { recursive: true });
  writeFileSync(join(dir, "tensorrt", key, "engine.json"), text);
}

test("the engine that was built for this model and machine takes the model's place, and nothing else changes", async () => {
  const model = await madePackage({ driver: "570.1" }, {}, { gpu: "NVIDIA L4" });
  const { modelFile, preparedEngine, ...rest } = await withPreparedEngine(model, onThisMachine);
  assert.ok(preparedEngine, "its own bytes are not those of the package's hash");
  assert.match(modelFile, /tensorrt\/[0-9a-f]{20}\/model\.onnx$/);
  const { modelFile: _, ...before } = model;
  assert.deepEqual(rest, before);
});

test("an engine for another driver, GPU, TensorRT or model is refused, naming what differs and how to build it", async () => {
  const cases: [Partial<PreparedEngineFacts>, RegExp][] = [
    [{ driver: "570.1" }, /^the NVIDIA driver was 570\.1 and is 580\.159$/],
    [{ gpu: "NVIDIA L4" }, /^the GPU was NVIDIA L4 and is NVIDIA H200$/],
    [{ tensorRtVersion: "100900" }, /^TensorRT was 100900 and is 101300$/],
    [{ modelSha256: "0".repeat(64) }, /^the model was 000000000000 and is [0-9a-f]{12}$/],
    [{ gpu: "NVIDIA L4", driver: "570.1" }, /GPU.*; .*driver/],
  ];
  for (const [changed, found] of cases) {
    await assert.rejects(withPreparedEngine(await madePackage(changed), onThisMachine), (error) => {
      assert.ok(isEdgeError(error, "tensorrt-engine-differs"));
      assert.match(error.found ?? "", found);
      assert.match(error.remedy ?? "", /export WEIGHTS --static .* --tensorrt/);
      return true;
    });
  }
});

test("of several engines that do not fit, the nearest is told", async () => {
  const model = await madePackage({ gpu: "NVIDIA L4", driver: "1" }, { driver: "570.1" });
  await assert.rejects(withPreparedEngine(model, onThisMachine), (error) => {
    assert.ok(isEdgeError(error, "tensorrt-engine-differs"));
    assert.equal(error.found, "the NVIDIA driver was 570.1 and is 580.159");
    return true;
  });
});

test("a machine that does not tell its TensorRT takes the engine, one without a GPU does not", async () => {
  const model = await madePackage({});
  await withPreparedEngine(model, () => Promise.resolve({ ...here, tensorRtVersion: undefined }));
  const none = { gpu: undefined, driver: undefined, tensorRtVersion: undefined };
  await assert.rejects(
    withPreparedEngine(model, () => Promise.resolve(none)),
    (error) => isEdgeError(error, "tensorrt-engine-differs") && /is not found/.test(error.found ?? ""),
  );
});

test("without an engine, or with one that is damaged or lies under another's key, TensorRT is refused", async () => {
  const model = await madePackage();
  const refused = (): Promise<void> =>
    assert.rejects(withPreparedEngine(model, onThisMachine), (error) =>
      isEdgeError(error, "tensorrt-not-prepared"),
    );
  await refused();
  for (const text of ["", "{", "{}", '{"shape":[0,-1,2]}']) {
    putEngine(model.dir, "00000000000000000000", text);
    await refused();
  }
});

test("a package whose model itself stands for an engine is taken as it is", async () => {
  const names = { inputName: "input", outputName: "output" };
  const request = { model: names, shape: [8, 64, 64], productVersion: "0" } as const;
  const model = epContextModel(request, "engine.plan", "10");
  const modelFile = join(scratch, "model.onnx");
  writeFileSync(modelFile, Buffer.concat(encodeModel(model)));
  const taken = { ...(await madePackage()), modelFile };
  assert.deepEqual(await withPreparedEngine(taken, onThisMachine), { ...taken, preparedEngine: true });
});

test("other providers run the package's own model, engine or not", async () => {
  const model = await madePackage({});
  assert.deepEqual(await readModel(model.dir, "cpu"), model);
});

test("TensorRT's version is told by its library's file name, from 10 on", () => {
  assert.equal(versionInName("libnvinfer.so.10.13.0"), "101300");
  assert.equal(versionInName("libnvinfer.so.10.9.0.34"), "100900");
  assert.equal(versionInName("libnvinfer.so.8.6.1"), undefined);
  assert.equal(versionInName("libnvinfer.so.10"), undefined);
});
