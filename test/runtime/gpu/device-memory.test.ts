import assert from "node:assert/strict";
import { test } from "node:test";
import { gpusIn } from "../../../export/package/nvidia-gpus.ts";
import { freeDeviceBytes } from "../../../runtime/plan/free-memory.ts";

const twoGpus = "NVIDIA H200, 580.159.03, 143771, 120000\nNVIDIA L4, 580.159.03, 23034, 9000\n";

test("nvidia-smi's answer is read line by line; what it does not say is unknown", () => {
  assert.deepEqual(gpusIn(twoGpus)[1], {
    name: "NVIDIA L4",
    driver: "580.159.03",
    totalBytes: 23034 * 2 ** 20,
    freeBytes: 9000 * 2 ** 20,
  });
  const [gpu] = gpusIn("NVIDIA GB10, 580.1, [N/A], [N/A]");
  assert.deepEqual([gpu?.name, gpu?.totalBytes, gpu?.freeBytes], ["NVIDIA GB10", undefined, undefined]);
  assert.deepEqual(gpusIn("No devices were found\n"), []);
});

test("what is free on a GPU is asked, and of several the fullest counts", async () => {
  for (const provider of ["cuda", "tensorrt"]) {
    assert.equal(await freeDeviceBytes(provider, async () => gpusIn(twoGpus)), 9000 * 2 ** 20);
  }
});

test("no figure is given where a device's memory cannot be read, nor for the CPU, which has none of its own", async () => {
  const oneUnknown = `${twoGpus}GPU, 1, 8000, [N/A]`;
  assert.equal(await freeDeviceBytes("cuda", async () => []), undefined);
  assert.equal(await freeDeviceBytes("cuda", async () => gpusIn(oneUnknown)), undefined);
  assert.equal(await freeDeviceBytes("webgpu", assert.fail), undefined);
  assert.equal(await freeDeviceBytes("cpu", assert.fail), undefined);
});
