import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { gpusIn } from "../../../export/package/nvidia-gpus.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { openAcquisition } from "../../../formats/open.ts";
import { denoiseJobSchema } from "../../../runtime/job/denoise-job.ts";
import { jobMemoryNeed, refuseTooLittleFree, watchFreeMemory } from "../../../runtime/plan/free-memory.ts";
import { memoryNeed, planesNeed, tileNeed } from "../../../runtime/plan/memory-need.ts";
import { planJob } from "../../../runtime/plan/plan-job.ts";

const root = resolve(import.meta.dirname, "../../..");

async function planned() {
  const input = resolve(root, "test/fixtures/tiled/smaller-than-tile/input.npy");
  const source = await openAcquisition(input);
  const { acquisition } = source;
  await source.close();
  const model = resolve(root, "models/default");
  const job = denoiseJobSchema.parse({ input, output: "x.denoised.ome.tif", models: { default: model } });
  const plan = await planJob(job, acquisition, readPackage);
  const need = (kind: typeof memoryNeed): number => jobMemoryNeed(plan, acquisition, kind);
  return { plan, acquisition, need };
}

test("a job that needs more memory than is free is refused as one that may run later, with both figures", async () => {
  const { plan, acquisition, need } = await planned();
  const machineBytes = need(memoryNeed);
  refuseTooLittleFree(plan, acquisition, { machineBytes });
  assert.throws(() => refuseTooLittleFree(plan, acquisition, { machineBytes: machineBytes - 1 }), {
    code: "memory-short",
    retryable: true,
    found: /GB free in the machine$/,
  });
});

test("planes are counted against the machine's memory, a tile against the device's, and the short one is named", async () => {
  const { plan, acquisition, need } = await planned();
  const [machineBytes, deviceBytes] = [need(planesNeed), need(tileNeed)];
  assert.ok(machineBytes > 0 && deviceBytes > machineBytes);
  refuseTooLittleFree(plan, acquisition, { machineBytes, deviceBytes });
  const short = (found: RegExp) => ({ code: "memory-short", retryable: true, found });
  assert.throws(
    () => refuseTooLittleFree(plan, acquisition, { machineBytes: machineBytes - 1, deviceBytes }),
    short(/GB free in the machine$/),
  );
  assert.throws(
    () => refuseTooLittleFree(plan, acquisition, { machineBytes, deviceBytes: deviceBytes - 1 }),
    short(/GB free on the GPU$/),
  );
});

test("what was free before our own jobs stays free for them, and what others give back counts from then on", async () => {
  const told = ["9000", "9000", "2000", "[N/A]", "12000"];
  const free = await watchFreeMemory("cuda", async () => gpusIn(`GPU, 1, 24000, ${told.shift()}`));
  const seen = [await free(), await free(), await free(), await free()];
  assert.deepEqual(
    seen.map(({ deviceBytes }) => (deviceBytes ?? 0) / 2 ** 20),
    [9000, 9000, 9000, 12_000],
  );
});
